package authenticator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Session is what Refresh needs to know of somebody who is logged in.
type Session struct {
	// User is the name in the hub.
	User string
	// Authenticator is the one that vouched for him, from Decision.
	Authenticator string
	// AuthState as it was kept; may be nil.
	AuthState json.RawMessage
}

// Refresh asks the authenticator of a session whether it still holds.
//
//   - A nil error and a nil Decision: all is as it was.
//   - A Decision: what to store. Nil fields of it, AuthState included, leave what
//     is there.
//   - ErrDenied or ErrNotAllowed: the session is over, the user must log in again.
//     So it is if its authenticator is not configured any more, if the user has
//     been blocked, or if what changed leaves no rule that lets him in.
//   - Any other error: nothing was found out, above all ErrUnavailable. The caller
//     decides how long a session may go on unproven.
//
// The request may be nil.
func (l *Login) Refresh(ctx context.Context, session Session, r *http.Request) (*Decision, error) {
	decision, err := l.refresh(ctx, session, r)
	if err != nil {
		l.log.LogAttrs(ctx, levelOf(err), "session not refreshed",
			slog.String("authenticator", ForLog(session.Authenticator)), slog.String("user", ForLog(session.User)),
			slog.String("reason", err.Error()))
	}
	return decision, err
}

func (l *Login) refresh(ctx context.Context, session Session, r *http.Request) (*Decision, error) {
	if l.rules.blocked[session.User] {
		return nil, fmt.Errorf("%w: blocked", ErrNotAllowed)
	}
	authenticator, ok := l.Authenticator(session.Authenticator)
	if !ok {
		return nil, fmt.Errorf("%w: its authenticator is gone", ErrDenied)
	}
	refresher, ok := authenticator.(Refresher)
	if !ok {
		return nil, nil
	}
	answer, err := refresher.Refresh(ctx, session.User, session.AuthState, r)
	switch {
	case err != nil:
		return nil, err
	case answer.Outcome == Fresh:
		return nil, nil
	case answer.Outcome == Changed && answer.Identity != nil:
		return l.decideAgain(ctx, Named{session.Authenticator, authenticator}, session.User, *answer.Identity)
	case answer.Outcome == Changed:
		return nil, errors.New("authenticator: refresh told a change without an identity")
	}
	return nil, fmt.Errorf("%w: the authenticator asks for a new login", ErrDenied)
}

// decideAgain applies the rules to a changed identity of a known user. His name
// is in its final form already: normalising it again could map it to another.
func (l *Login) decideAgain(ctx context.Context, by Named, user string, identity Identity) (*Decision, error) {
	identity.Name = user
	identity.Groups = l.cleanGroups(ctx, by.Name, identity.Groups)
	if err := l.rules.check(ctx, &identity, opensByDefault(by.Authenticator), l.users); err != nil {
		return nil, err
	}
	if identity.AdminsStay && identity.Admin != nil && l.rules.admins[user] {
		identity.Admin = new(true)
	}
	return decisionOf(by.Name, identity), nil
}
