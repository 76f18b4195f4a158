// Package redis is the module caddyhub.stores.redis: all state in Redis or
// Valkey 7 or later, shared by the nodes of a hub.
package redis

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Store))
}

// Store keeps all state in Redis or Valkey, 7 or later: one server, Sentinels
// or a cluster. For nothing acknowledged to be lost, the server must append
// every write to its log: "appendonly yes" and "appendfsync always".
type Store struct {
	// URL of the server: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// with TLS,
	// unix:// for a socket. Several addresses for Sentinels or a cluster are
	// given as "addr" parameters, see the package caddyhub/store/redis. Take it
	// from {env.REDIS_URL} if it has a password.
	URL string `json:"url"`
	// Prefix of all keys, to let several hubs share a server. Default: caddyhub.
	Prefix string `json:"prefix,omitempty"`
	// Secret seals the keys that protect what is stored, so that a copy of the
	// database is worth nothing: at least 32 characters, the same on all nodes.
	// Default: {env.CADDYHUB_SECRET}.
	Secret string `json:"secret,omitempty"`
	// Grace is how long a node that lost the server goes on with what it has
	// in memory; then requests are answered 503. Default: 30s.
	Grace words.Duration `json:"grace,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.stores.redis", New: func() caddy.Module { return new(Store) }}
}

// Provision replaces placeholders.
func (s *Store) Provision(caddy.Context) error {
	replacer := caddy.NewReplacer()
	if s.Secret == "" {
		s.Secret = "{env.CADDYHUB_SECRET}"
	}
	s.URL = strings.TrimSpace(replacer.ReplaceAll(s.URL, ""))
	s.Secret = strings.TrimSpace(replacer.ReplaceAll(s.Secret, ""))
	s.Prefix = replacer.ReplaceAll(s.Prefix, "")
	return nil
}

// Identity is the address without naming its password.
func (s *Store) Identity() string {
	sum := sha256.Sum256([]byte(s.URL + "\x00" + s.Prefix + "\x00" + s.Secret + "\x00" + time.Duration(s.Grace).String()))
	return "redis " + hex.EncodeToString(sum[:])
}

// Open makes the client; the server may be away.
func (s *Store) Open(log *slog.Logger) (hub.Backend, error) {
	if len(s.Secret) < keyring.MinSecret {
		return hub.Backend{}, fmt.Errorf("store redis needs a secret of at least %d characters, the same on every node: set the environment variable CADDYHUB_SECRET, for example to what `openssl rand -hex 32` prints", keyring.MinSecret)
	}
	opened, err := s.OpenRoutes(log)
	if err != nil {
		return hub.Backend{}, err
	}
	hot := cached.New(opened, cached.Options{Grace: time.Duration(s.Grace), Logger: log})
	keys := keyring.Stored{Store: opened, Secret: []byte(s.Secret), Now: time.Now}
	return hub.Backend{Store: hot, Keys: keys}, nil
}

// OpenRoutes makes the client for routes alone, which nothing has to be sealed
// for.
func (s *Store) OpenRoutes(log *slog.Logger) (store.Store, error) {
	if s.URL == "" {
		return nil, errors.New(`store redis needs the address of the server; write "url redis://HOST:6379", or {env.REDIS_URL} and set that variable`)
	}
	opened, err := redis.Open(redis.Options{URL: s.URL, Prefix: s.Prefix, Logger: log})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	store redis {
//		url <url>
//		prefix <word>
//		secret <text>
//		grace <duration>
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.Module(d, "store redis", map[string]words.Word{
		"url":    words.ToText(&s.URL),
		"prefix": words.ToText(&s.Prefix),
		"secret": words.ToText(&s.Secret),
		"grace":  words.ToDuration(&s.Grace),
	})
	if err == nil && s.URL == "" {
		return d.Err(`store redis: it needs an address; write "url redis://HOST:6379" or "url {env.REDIS_URL}"`)
	}
	return err
}

// Interface guards
var (
	_ app.StoreModule       = (*Store)(nil)
	_ app.RoutesStore       = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
