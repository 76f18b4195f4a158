package app

import (
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// StoreModule is a module in the namespace caddyhub.stores.
type StoreModule interface {
	// Identity names the state behind the configuration: which file, which
	// database. A reload with the same identity keeps the store open.
	Identity() string
	// Open opens it. It may be out of reach at that moment: then calls fail
	// until it is back, and Open does not.
	Open(log *slog.Logger) (hub.Backend, error)
}

// AuthenticatorModule is a module in the namespace caddyhub.authenticators.
type AuthenticatorModule interface {
	Authenticator(log *slog.Logger) (authenticator.Authenticator, error)
}

// AddressChecker is an AuthenticatorModule that does not serve everywhere.
type AddressChecker interface {
	// CheckAddresses refuses a hub that listens on these addresses, "host:port".
	CheckAddresses(addresses []string) error
}

// SpawnerModule is a module in the namespace caddyhub.spawners.
type SpawnerModule interface {
	Spawner(log *slog.Logger) (spawner.Spawner, error)
}

// guest reads a word whose first argument names a module and whose rest
// belongs to that module.
func guest(d *caddyfile.Dispenser, namespace, word, inlineKey string) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, d.Errf("%s takes the name of a module: one of %s", word, strings.Join(namesIn(namespace), ", "))
	}
	name := d.Val()
	if _, err := caddy.GetModule(namespace + name); err != nil {
		return nil, unknownGuest(d, namespace, word, name)
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, inlineKey, name, nil), nil
}

func unknownGuest(d *caddyfile.Dispenser, namespace, word, name string) error {
	names := namesIn(namespace)
	if near := words.Nearest(name, names); near != "" {
		return d.Errf("%s: there is no %q; did you mean %q?", word, name, near)
	}
	return d.Errf("%s: there is no %q; there are: %s", word, name, strings.Join(names, ", "))
}

func namesIn(namespace string) []string {
	var names []string
	for _, module := range caddy.GetModules(strings.TrimSuffix(namespace, ".")) {
		names = append(names, module.ID.Name())
	}
	return names
}

// parseSpawner reads the words that every spawner understands and leaves the
// others of the block to the module.
func (a *App) parseSpawner(d *caddyfile.Dispenser) error {
	if a.SpawnerRaw != nil {
		return d.Err("caddyhub: a hub has one spawner; remove one of the spawner lines")
	}
	head := []caddyfile.Token{d.Token()}
	if d.NextArg() {
		head = append(head, d.Token())
		for d.NextArg() {
			head = append(head, d.Token())
		}
	}
	var body []caddyfile.Token
	settings := new(Servers)
	var own []string
	if len(head) > 1 {
		own = overrideWords(head[1].Text)
	}
	known := settings.words(own)
	err := words.BlockOr(d, "spawner", known, func(d *caddyfile.Dispenser) error {
		body = append(body, d.NextSegment()...)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := settings.limits(); err != nil {
		return d.WrapErr(err)
	}
	if settings.given() {
		a.Servers = settings
	}
	inner := caddyfile.NewDispenser(withBlock(head, body))
	inner.Next()
	raw, err := guest(inner, "caddyhub.spawners.", "spawner", "type")
	a.SpawnerRaw = raw
	return words.Also(err, known)
}

// withBlock puts tokens of a block behind those of a line.
func withBlock(head, body []caddyfile.Token) []caddyfile.Token {
	if len(body) == 0 {
		return head
	}
	// New tokens: a copy of a quoted one would make a word of the brace.
	first, last := head[len(head)-1], body[len(body)-1]
	open := caddyfile.Token{File: first.File, Line: first.Line, Text: "{"}
	closing := caddyfile.Token{File: last.File, Line: last.Line + 1, Text: "}"}
	tokens := append(append([]caddyfile.Token{}, head...), open)
	return append(append(tokens, body...), closing)
}

// words are those that every spawner understands; own are those of this one
// that may differ between servers.
func (s *Servers) words(own []string) map[string]words.Word {
	return map[string]words.Word{
		"start_timeout": words.ToDuration(&s.StartTimeout),
		"http_timeout":  words.ToDuration(&s.HTTPTimeout),
		"poll_interval": words.ToDuration(&s.PollInterval),
		"environment": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a name and a value", &s.Environment, words.Plain)
		}),
		"default_url":                 words.ToText(&s.DefaultURL),
		"notebook_dir":                words.ToText(&s.NotebookDir),
		"oauth_client_allowed_scopes": words.ToTexts(&s.OAuthClientAllowedScopes),
		"server_token_scopes":         words.ToTexts(&s.TokenScopes),
		"mem_limit":                   words.ToText(&s.MemLimit),
		"mem_guarantee":               words.ToText(&s.MemGuarantee),
		"cpu_limit":                   words.ToText(&s.CPULimit),
		"cpu_guarantee":               words.ToText(&s.CPUGuarantee),
		"option":                      words.Many(s.parseOption(own)),
		"options_form":                words.ToText(&s.OptionsForm),
		"options_from_form":           words.Once(s.parseOptionsFromForm),
		"group_override":              words.Many(s.parseGroupOverride(own)),
	}
}

func (s *Servers) given() bool {
	empty, _ := json.Marshal(Servers{})
	text, _ := json.Marshal(s)
	return string(text) != string(empty)
}
