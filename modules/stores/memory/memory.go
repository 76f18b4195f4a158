// Package memory is the module caddyhub.stores.memory: routes that end with the
// process, for a proxy without a hub.
package memory

import (
	"errors"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(Store{})
}

// Store keeps the routes of a proxy in memory, as configurable-http-proxy does:
// whoever has added them has to add them again after a restart. A reload of the
// configuration keeps them. A hub cannot use it.
type Store struct{}

// CaddyModule returns the Caddy module information.
func (Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.stores.memory", New: func() caddy.Module { return new(Store) }}
}

// Identity is the same for all: a process has one memory.
func (Store) Identity() string { return "memory" }

// Open refuses: users, tokens and running servers must not end with a process.
func (Store) Open(*slog.Logger) (hub.Backend, error) {
	return hub.Backend{}, errors.New(`store memory is for a proxy without a hub; a hub needs "store embedded" or "store redis"`)
}

// OpenRoutes returns no store: routes are in memory anyway.
func (Store) OpenRoutes(*slog.Logger) (store.Store, error) { return nil, nil }

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	store memory
func (Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "store memory", nil)
}

// Interface guards
var (
	_ app.StoreModule       = Store{}
	_ app.RoutesStore       = Store{}
	_ caddyfile.Unmarshaler = Store{}
)
