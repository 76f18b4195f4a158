package app

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// nobody stands in for the authenticators while the rules are checked, which
// must not depend on what an authenticator needs to be made.
type nobody struct{}

func (nobody) Authenticate(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
	return nil, authenticator.ErrDenied
}
