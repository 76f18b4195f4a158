// Package permission is the module tls.permission.caddyhub: for which hosts Caddy
// may get certificates on demand.
//
// It guarantees that nobody makes Caddy ask an authority for a certificate of a
// host that the hub does not have, and that a question costs next to nothing.
package permission

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() { caddy.RegisterModule(new(Permission)) }

// Permission allows certificates for the hosts of the hub, its users and its
// services, and for no others. It is for a hub with subdomains that has no wildcard
// certificate.
type Permission struct {
	app *app.App
}

// CaddyModule returns the Caddy module information.
func (*Permission) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tls.permission.caddyhub", New: func() caddy.Module { return new(Permission) }}
}

// Provision finds the hub.
func (p *Permission) Provision(ctx caddy.Context) (err error) {
	if p.app, err = app.Of(ctx, "permission caddyhub"); err != nil {
		return err
	}
	if p.app.Subdomains == "" {
		return errors.New(`permission caddyhub: the hub has no hosts of users; add "subdomains HOST" to the global option caddyhub, or remove on_demand_tls`)
	}
	return nil
}

// CertificateAllowed returns nil for a host of the hub. Other errors than
// caddytls.ErrPermissionDenied mean that it could not be found out.
func (p *Permission) CertificateAllowed(ctx context.Context, name string) error {
	site := p.app.Await(ctx)
	if site == nil {
		return errors.New("caddyhub: the store has not been reached yet")
	}
	known, err := site.Known(ctx, name)
	if err != nil {
		return fmt.Errorf("caddyhub: %w", err)
	}
	if !known {
		return fmt.Errorf("%w: no user or service of the hub has the host %q", caddytls.ErrPermissionDenied, name)
	}
	return nil
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	on_demand_tls {
//		permission caddyhub
//	}
func (p *Permission) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "permission caddyhub", nil)
}

// Interface guards
var (
	_ caddytls.OnDemandPermission = (*Permission)(nil)
	_ caddy.Provisioner           = (*Permission)(nil)
	_ caddyfile.Unmarshaler       = (*Permission)(nil)
)
