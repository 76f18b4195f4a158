package refresh

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

const (
	// claimLength is for how long a node has the right to ask, so that another can
	// if it dies meanwhile.
	claimLength = checkTimeout + 2*writeTimeout
	// glance is how often a node looks whether another one has its answer.
	glance = 50 * time.Millisecond
	// maxResting bounds what is remembered of questions without an answer; beyond
	// it all is forgotten, and the store tells.
	maxResting = 10_000
)

// question is one that this node asks, or waits for another node to ask.
type question struct {
	subject
	// confirmed is what is known: an answer later than that is news.
	confirmed time.Time
	request   *http.Request
	// answered is closed when outcome is set.
	answered chan struct{}
	outcome  Outcome
}

// ask asks, or joins who does on this node. It returns nil while nobody is asked,
// because there was no answer a moment ago.
func (c *Checker) ask(of subject, confirmed time.Time, r *http.Request) *question {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked := c.underWay[of]; asked != nil {
		return asked
	}
	if until, resting := c.resting[of]; resting {
		if c.now().Before(until) {
			return nil
		}
		delete(c.resting, of)
	}
	asked := &question{subject: of, confirmed: confirmed, request: detached(r), answered: make(chan struct{})}
	c.underWay[of] = asked
	go c.run(asked)
	return asked
}

// detached is a request that outlives its handler, without its body.
func detached(r *http.Request) *http.Request {
	if r == nil {
		return nil
	}
	copied := r.Clone(context.WithoutCancel(r.Context()))
	copied.Body = http.NoBody
	return copied
}

// run answers a question.
func (c *Checker) run(asked *question) {
	asked.outcome = Unavailable
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.underWay, asked.subject)
		if asked.outcome == Unavailable {
			if len(c.resting) >= maxResting {
				clear(c.resting)
			}
			c.resting[asked.subject] = c.now().Add(c.pause())
		}
		close(asked.answered)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), claimLength)
	defer cancel()
	check, err := c.directory.BeginCheck(ctx, asked.user, asked.authenticator, asked.confirmed, claimLength)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		asked.outcome = LoginAgain // the user is gone, and the sessions with them
	case err != nil:
		c.log.Warn("check of a login not begun", "user", asked.user, "authenticator", asked.authenticator, "error", err)
	case check.ID == "":
		asked.outcome = c.follow(ctx, asked)
	default:
		asked.outcome = c.check(ctx, check, asked.request)
	}
}

// pause is how long nobody is asked after a question without an answer.
func (c *Checker) pause() time.Duration {
	if c.every > 0 {
		return min(rest, c.every)
	}
	return rest
}

// follow waits for what another node finds out.
func (c *Checker) follow(ctx context.Context, asked *question) Outcome {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		standing, err := c.directory.Standing(ctx, asked.user, asked.authenticator)
		switch {
		case err != nil:
			return Unavailable
		case !standing.Known:
			return LoginAgain
		case standing.Confirmed.After(asked.confirmed):
			return Fresh
		case !standing.Checking:
			return Unavailable
		}
		select {
		case <-ctx.Done():
			return Unavailable
		case <-ticker.C:
		}
	}
}

// check asks the authenticator and writes down the answer.
func (c *Checker) check(ctx context.Context, check identity.LoginCheck, r *http.Request) Outcome {
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	session := authenticator.Session{User: check.User, Authenticator: check.Authenticator, AuthState: check.AuthState}
	decision, err := c.login.Refresh(asking, session, r)
	cancel()
	outcome := outcomeOf(decision, err)
	did, failed := c.write(context.WithoutCancel(ctx), check, outcome, decision)
	switch {
	case errors.Is(failed, identity.ErrInvalid):
		// A new login has overtaken the question: what it brought is newer.
		return Fresh
	case failed != nil:
		c.log.Warn("check of a login not written down", "user", check.User, "authenticator", check.Authenticator, "error", failed)
		outcome = Unavailable
	}
	c.observe(outcome)
	c.record(ctx, check, outcome, decision, did, err)
	return outcome
}

func outcomeOf(decision *authenticator.Decision, err error) Outcome {
	switch {
	case err == nil && decision == nil:
		return Fresh
	case err == nil:
		return Changed
	case errors.Is(err, authenticator.ErrUnavailable):
		return Unavailable
	case errors.Is(err, authenticator.ErrDenied), errors.Is(err, authenticator.ErrNotAllowed):
		return LoginAgain
	}
	return Unavailable
}

// effect is what an answer did.
type effect struct {
	// rights of the user are others now.
	rights bool
	// ended is how many sessions ended.
	ended int
}

// write puts an answer into the store, for all nodes.
func (c *Checker) write(ctx context.Context, check identity.LoginCheck, outcome Outcome, decision *authenticator.Decision) (did effect, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	switch outcome {
	case Fresh:
		_, err = c.directory.Confirm(ctx, check, identity.Login{})
	case Changed:
		did.rights, err = c.directory.Confirm(ctx, check, identity.Login{
			Admin: decision.Admin, ManageGroups: decision.Groups != nil, Groups: decision.Groups, AuthState: decision.AuthState,
		})
	case LoginAgain:
		did.ended, err = c.directory.Deny(ctx, check)
	default:
		err = c.directory.Abandon(ctx, check, c.pause())
	}
	return did, err
}
