package refresh

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Started is called before a server of a user starts. Where Options.BeforeStart
// says so it asks about the login that the user last came by, and waits for the
// answer: ErrExpired if the user must log in again, ErrUnconfirmed if nothing
// could be found out. The request may be nil, as with Confirm; who starts a server
// of somebody else has none to show. A user who never logged in is nobody to ask
// about, and nor is one whom nobody can be asked about.
func (c *Checker) Started(ctx context.Context, r *http.Request, user string) error {
	if !c.beforeStart {
		return nil
	}
	found, err := c.directory.User(ctx, user)
	if errors.Is(err, identity.ErrNotFound) {
		return nil // the start is refused anyway
	}
	if err != nil {
		return err
	}
	if !c.concerns(found.Authenticator) {
		return nil
	}
	standing, err := c.directory.Standing(ctx, user, found.Authenticator)
	if err != nil {
		return err
	}
	asked := c.ask(subject{user, found.Authenticator}, standing.Confirmed, r)
	if asked == nil {
		return ErrUnconfirmed
	}
	select {
	case <-asked.answered:
	case <-ctx.Done():
		return ErrUnconfirmed
	}
	switch asked.outcome {
	case LoginAgain:
		return ErrExpired
	case Unavailable:
		return ErrUnconfirmed
	}
	return nil
}
