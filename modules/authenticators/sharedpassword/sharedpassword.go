// Package sharedpassword is the module caddyhub.authenticators.shared_password:
// one password for all users and another one for administrators.
package sharedpassword

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/sharedpassword"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator is for a workshop or a class: everybody chooses a name and
// gives the password of the day; administrators have a longer one of their own
// (JupyterHub's SharedPasswordAuthenticator).
type Authenticator struct {
	// UserPassword is for all who are not administrators, at least 8
	// characters. Default: they cannot log in.
	UserPassword string `json:"user_password,omitempty"`
	// AdminPassword is for those named by "admins", at least 32 characters.
	// Default: they cannot log in.
	AdminPassword string `json:"admin_password,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.shared_password", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders.
func (a *Authenticator) Provision(caddy.Context) error {
	replacer := caddy.NewReplacer()
	a.UserPassword = replacer.ReplaceAll(a.UserPassword, "")
	a.AdminPassword = replacer.ReplaceAll(a.AdminPassword, "")
	return nil
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(*slog.Logger) (authenticator.Authenticator, error) {
	return sharedpassword.New(sharedpassword.Options{UserPassword: a.UserPassword, AdminPassword: a.AdminPassword})
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator shared_password {
//		user_password <password>
//		admin_password <password>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "authenticator shared_password", map[string]words.Word{
		"user_password":  words.ToText(&a.UserPassword),
		"admin_password": words.ToText(&a.AdminPassword),
	})
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
