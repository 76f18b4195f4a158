// Package embedded is the module caddyhub.stores.embedded: all state in one
// file, for a hub of one node.
package embedded

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Store))
}

// Store keeps all state in one file, written durably at every change. Only one
// process can have it open.
type Store struct {
	// Path of the file. The keys that protect what is in it are beside it, in
	// a file of the same name that ends in ".keys", readable by its owner only;
	// back both up, apart. Default: caddyhub.db in Caddy's data directory.
	Path string `json:"path,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.stores.embedded", New: func() caddy.Module { return new(Store) }}
}

// Provision sets the default.
func (s *Store) Provision(caddy.Context) error {
	s.Path = caddy.NewReplacer().ReplaceAll(s.Path, "")
	if s.Path == "" {
		s.Path = filepath.Join(caddy.AppDataDir(), "caddyhub.db")
	}
	return nil
}

// Identity is the file.
func (s *Store) Identity() string {
	absolute, err := filepath.Abs(s.Path)
	if err != nil {
		absolute = s.Path
	}
	return "embedded " + absolute
}

// Open opens the file.
func (s *Store) Open(log *slog.Logger) (hub.Backend, error) {
	opened, err := embedded.Open(embedded.Options{Path: s.Path, Logger: log})
	if err != nil {
		return hub.Backend{}, err
	}
	hot := cached.New(opened, cached.Options{Logger: log})
	return hub.Backend{Store: hot, Keys: keyring.File{Path: s.Path + ".keys", Now: time.Now}}, nil
}

// OpenRoutes opens the file for routes alone.
func (s *Store) OpenRoutes(log *slog.Logger) (store.Store, error) {
	// Not what Open returned: an error would come with a store that is not nil.
	opened, err := embedded.Open(embedded.Options{Path: s.Path, Logger: log})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	store embedded {
//		path <file>
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "store embedded", map[string]words.Word{"path": words.ToText(&s.Path)})
}

// Interface guards
var (
	_ app.StoreModule       = (*Store)(nil)
	_ app.RoutesStore       = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
