// Package dummy is an authenticator for trying a hub out: everybody is who he
// says he is. It guarantees nothing else, and therefore CheckListen refuses to
// offer it to the network unless the configuration says in so many words that it
// shall, or sets a password.
package dummy

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Authenticator takes every user name (JupyterHub's DummyAuthenticator). It lets
// in everybody as long as there is no allow rule.
type Authenticator struct {
	passwords authenticator.Passwords
	password  authenticator.Digest
	open      bool
}

// New makes one. With a password, everybody has to know it, whoever he is; the
// empty password accepts any. Whoever wants a password should look at package
// sharedpassword, which keeps administrators apart.
func New(password string) *Authenticator {
	passwords := authenticator.NewPasswords()
	return &Authenticator{passwords: passwords, password: passwords.Digest(password), open: password == ""}
}

// Authenticate takes the user name, if the password is right.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	right := a.passwords.Digest(attempt.Password()).Equal(a.password) == 1
	if attempt.Username() == "" || !a.open && !right {
		return nil, authenticator.ErrDenied
	}
	return &authenticator.Identity{Name: attempt.Username()}, nil
}

// OpenByDefault is true, as in JupyterHub.
func (a *Authenticator) OpenByDefault() bool { return true }

// Warnings says what this authenticator is for.
func (a *Authenticator) Warnings(authenticator.Rules) []string {
	if a.open {
		return []string{"Everybody can log in as anybody, administrators included. This is for trying things out only."}
	}
	return []string{"Whoever knows the one password can log in as anybody, administrators included. This is for trying things out only."}
}
