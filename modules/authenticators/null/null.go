// Package null is the module caddyhub.authenticators.null: nobody logs in, for
// hubs that are used through their API alone.
package null

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/null"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator lets nobody in. Users exist through the REST API and act by
// tokens.
type Authenticator struct{}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.null", New: func() caddy.Module { return new(Authenticator) }}
}

// Authenticator makes it.
func (*Authenticator) Authenticator(*slog.Logger) (authenticator.Authenticator, error) {
	return null.Authenticator{}, nil
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator null
func (*Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "authenticator null", nil)
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
