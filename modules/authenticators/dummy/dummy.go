// Package dummy is the module caddyhub.authenticators.dummy: any user name logs
// in, for trying things out.
package dummy

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator lets in any name, with one password for all or with none. It is
// for trials: whoever can reach the hub can be anybody.
type Authenticator struct {
	// Password that everybody gives. Default: any password will do, and the
	// hub refuses to listen where other machines can reach it.
	Password string `json:"password,omitempty"`
	// AnyoneCanBeAnyone lets a hub without a password listen anywhere. It means
	// what it says.
	AnyoneCanBeAnyone bool `json:"anyone_can_be_anyone,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.dummy", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders.
func (a *Authenticator) Provision(caddy.Context) error {
	a.Password = caddy.NewReplacer().ReplaceAll(a.Password, "")
	return nil
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(*slog.Logger) (authenticator.Authenticator, error) {
	return dummy.New(a.Password), nil
}

// CheckAddresses refuses addresses that others can reach, unless there is a
// password or the operator means it.
func (a *Authenticator) CheckAddresses(addresses []string) error {
	return dummy.New(a.Password).CheckListen(addresses, a.AnyoneCanBeAnyone)
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator dummy {
//		password <password>
//		anyone_can_be_anyone
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "authenticator dummy", map[string]words.Word{
		"password":             words.ToText(&a.Password),
		"anyone_can_be_anyone": words.ToTrue(&a.AnyoneCanBeAnyone),
	})
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ app.AddressChecker      = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
