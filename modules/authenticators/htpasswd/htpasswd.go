// Package htpasswd is the module caddyhub.authenticators.htpasswd: users whose
// password hashes stand in a file or in the configuration.
package htpasswd

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/htpasswd"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// hashes is the namespace of Caddy's modules that compare passwords.
const hashes = "http.authentication.hashes"

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator lets in users who know the password that a hash was made of.
// bcrypt and argon2id are understood; hashes that a thief could turn into
// passwords (crypt, MD5, SHA-1) and plain passwords are refused.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: htpasswd, then htpasswd_2 and so on.
	Name string `json:"name,omitempty"`
	// File is the path of a file of lines NAME:HASH, as "htpasswd -B" writes it. It
	// is read again when it has changed; while it is broken, what it said before
	// holds. Default: no file.
	File string `json:"file,omitempty"`
	// Users are users by name with their hashes, as "caddy hash-password" prints
	// them, beside those of the file. Default: none.
	Users map[string]string `json:"users,omitempty"`
	// Hash is a module that compares hashes of other kinds than bcrypt and
	// argon2id. Default: such hashes are refused.
	HashRaw json.RawMessage `json:"hash,omitempty" caddy:"namespace=http.authentication.hashes inline_key=algorithm"`

	// LoginService is what stands above the form of the login page. Default: the
	// name, if there are several ways to log in.
	LoginService string `json:"login_service,omitempty"`

	other htpasswd.Comparer
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.htpasswd", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders and loads the module for other hashes.
func (a *Authenticator) Provision(ctx caddy.Context) error {
	replacer := caddy.NewReplacer()
	a.File = replacer.ReplaceAll(a.File, "")
	for name, hash := range a.Users {
		a.Users[name] = replacer.ReplaceAll(hash, "")
	}
	if a.HashRaw == nil {
		return nil
	}
	loaded, err := ctx.LoadModule(a, "HashRaw")
	if err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	a.other = loaded.(caddyauth.Comparer)
	return nil
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	options := htpasswd.Options{
		File: a.File, Bcrypt: caddyauth.BcryptHash{}, Argon2id: caddyauth.Argon2idHash{}, Other: a.other,
		Service: a.LoginService, Log: log,
	}
	for name, hash := range a.Users {
		options.Users = append(options.Users, htpasswd.User{Name: name, Hash: hash})
	}
	return htpasswd.New(options)
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator htpasswd [<name>] {
//		file <path>
//		user <name> <hash>
//		hash <module>
//		login_service <text>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.NamedModule(d, "authenticator htpasswd", &a.Name, map[string]words.Word{
		"file": words.ToText(&a.File),
		"user": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a name and a hash", &a.Users, words.Plain)
		}),
		"hash":          words.Once(a.parseHash),
		"login_service": words.ToText(&a.LoginService),
	}, nil)
	if err == nil && a.File == "" && len(a.Users) == 0 {
		err = d.Err(`authenticator htpasswd: nobody could log in; write "file PATH" or "user NAME HASH"`)
	}
	return err
}

func (a *Authenticator) parseHash(d *caddyfile.Dispenser) error {
	name, err := words.Text(d)
	if err != nil {
		return err
	}
	if name == "bcrypt" || name == "argon2id" {
		return d.Errf("hash: %s is understood without it; hash names a module for other kinds of hashes", name)
	}
	found, err := caddy.GetModule(hashes + "." + name)
	if err != nil {
		var names []string
		for _, module := range caddy.GetModules(hashes) {
			names = append(names, module.ID.Name())
		}
		return d.Errf("hash: there is no module %q in %s; there are: %s", name, hashes, strings.Join(names, ", "))
	}
	a.HashRaw = caddyconfig.JSONModuleObject(found.New(), "algorithm", name, nil)
	return nil
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
