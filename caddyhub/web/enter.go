package web

import (
	"context"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// enter lets somebody in whom an authenticator vouched for: the user is
// recorded, the session that the browser had ends, and it gets a new one.
func (c *call) enter(decision *authenticator.Decision) error { return c.enterWithin(decision, nil) }

// enterWithin is enter for a session that may do no more than the limit says; nil
// is no limit.
func (c *call) enterWithin(decision *authenticator.Decision, limit *identity.Limit) error {
	ctx := c.r.Context()
	c.did(actionLogin, audit.Target{User: decision.User})
	c.event.Details = map[string]any{"authenticator": decision.Authenticator}
	if err := c.record(decision); err != nil {
		return err
	}
	if err := c.endSessions(ctx); err != nil {
		return err
	}
	cookie, session, err := c.options.Directory.CreateLimitedSession(ctx, decision.User, decision.Authenticator, limit)
	if err != nil {
		return err
	}
	if err := c.options.Directory.TieSession(ctx, session, identity.Elsewhere(decision.External)); err != nil {
		return err
	}
	c.event.Actor = audit.Actor{Kind: audit.User, Name: session.User, SessionID: session.ID}
	c.options.Browser.SetSession(c.w, c.r, cookie, session)
	c.options.Directory.Activity().Touch(identity.ActivityOfUser(decision.User), c.now())
	c.log.InfoContext(ctx, "user logged in", "user", decision.User,
		"authenticator", decision.Authenticator, "remote", remote(c.r))
	return nil
}

// record writes down what the login says about the user.
func (c *call) record(decision *authenticator.Decision) error {
	ctx := c.r.Context()
	if err := c.introduce(ctx, decision); err != nil {
		return err
	}
	if decision.Roles != nil {
		c.log.WarnContext(ctx, "roles given by an authenticator are not applied",
			"user", decision.User, "authenticator", decision.Authenticator)
	}
	_, err := c.options.Directory.RecordLogin(ctx, identity.Login{
		Name: decision.User, Authenticator: decision.Authenticator, Admin: decision.Admin,
		ManageGroups: decision.Groups != nil, Groups: decision.Groups, AuthState: decision.AuthState,
	})
	return err
}

// introduce tells an authenticator that wants to know of a new user, who may be
// refused by it.
func (c *call) introduce(ctx context.Context, decision *authenticator.Decision) error {
	found, _ := c.options.Login.Authenticator(decision.Authenticator)
	adder, ok := found.(authenticator.UserAdder)
	if !ok {
		return nil
	}
	_, err := c.options.Directory.User(ctx, decision.User)
	if !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	if err := adder.AddUser(ctx, decision.User); err != nil {
		c.log.ErrorContext(ctx, "new user refused", "user", decision.User,
			"authenticator", decision.Authenticator, "error", err)
		return loginFailure(err)
	}
	return nil
}

// endSessions ends every session that the browser presents. Another page on
// this host may have set cookies of ours, so there may be several.
func (c *call) endSessions(ctx context.Context) error {
	for _, cookie := range c.visit.Credentials.Sessions {
		found, err := c.options.Directory.BySession(ctx, cookie)
		if errors.Is(err, identity.ErrInvalid) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.options.Directory.DeleteSession(ctx, found.Session); err != nil {
			return err
		}
	}
	c.visit = browser.Visit{Credentials: c.visit.Credentials}
	return nil
}
