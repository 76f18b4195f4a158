// Package null is the authenticator of a hub where nobody logs in: one that is
// used with API tokens only. It guarantees that no attempt ever succeeds.
package null

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Authenticator lets nobody log in (JupyterHub's NullAuthenticator).
type Authenticator struct{}

// Authenticate refuses.
func (Authenticator) Authenticate(ctx context.Context, _ authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, authenticator.ErrDenied
}

// AutoLogin is true, so that the login page is a 403 and not a form in vain.
func (Authenticator) AutoLogin() bool { return true }

// OpenByDefault is true: there is nobody whom a missing allow rule would shut out,
// and nothing to warn of.
func (Authenticator) OpenByDefault() bool { return true }

// Prompt shows no form.
func (Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Text: "Logging in is switched off on this hub."}
}
