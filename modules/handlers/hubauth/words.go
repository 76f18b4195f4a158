package hubauth

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Words are those of an app in a Caddyfile:
//
//	scopes <scope...>
//	users <name...>
//	groups <name...>
//	allow authenticated|anonymous
//	identity_header <name> [<value>]
//	jwt {
//		header <name>
//		audience <text>
//		algorithm ES256|EdDSA
//		lifetime <duration>
//	}
func (a *App) Words() map[string]words.Word {
	return map[string]words.Word{
		"scopes":          words.Many(a.parseScopes),
		"users":           words.ToTexts(&a.Users),
		"groups":          words.ToTexts(&a.Groups),
		"allow":           words.Once(a.parseAllow),
		"identity_header": words.Many(a.parseIdentityHeader),
		"jwt":             words.Once(a.parseJWT),
	}
}

func (a *App) parseScopes(d *caddyfile.Dispenser) error {
	texts, err := words.Texts(d)
	if err != nil {
		return err
	}
	// Whether they exist is known only with the whole configuration.
	if err := (appgate.Policy{Scopes: texts}).Check(nil); err != nil {
		return d.WrapErr(err)
	}
	a.Scopes = append(a.Scopes, texts...)
	return nil
}

func (a *App) parseAllow(d *caddyfile.Dispenser) error {
	choice, err := words.Text(d)
	if err != nil {
		return err
	}
	known := []string{allowAuthenticated, allowAnonymous}
	switch choice {
	case allowAuthenticated, allowAnonymous:
		a.Allow = choice
		return nil
	}
	if near := words.Nearest(choice, known); near != "" {
		return d.Errf("allow: unknown word %q; did you mean %q?", choice, near)
	}
	return d.Errf("allow takes %q, for everybody who is logged in, or %q, for everybody; name people by users, groups and scopes", known[0], known[1])
}

func (a *App) parseIdentityHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return d.Errf("identity_header takes the name of a header and, if that is not the visitor's name, its value")
	}
	if err := checkHeader(args[0]); err != nil {
		return d.Errf("identity_header: %w", err)
	}
	header := &IdentityHeader{Name: args[0]}
	if len(args) == 2 {
		header.Value = args[1]
	}
	for _, given := range a.IdentityHeaders {
		if given.Name == header.Name {
			return d.Errf("identity_header %q is given twice", header.Name)
		}
	}
	a.IdentityHeaders = append(a.IdentityHeaders, header)
	return nil
}

func (a *App) parseJWT(d *caddyfile.Dispenser) error {
	if err := words.None(d); err != nil {
		return err
	}
	a.JWT = new(JWT)
	return words.Block(d, "jwt", map[string]words.Word{
		"header": words.Once(func(d *caddyfile.Dispenser) (err error) {
			if a.JWT.Header, err = words.Text(d); err != nil {
				return err
			}
			if err := checkHeader(a.JWT.Header); err != nil {
				return d.Errf("jwt: header: %w", err)
			}
			return nil
		}),
		"audience":  words.ToText(&a.JWT.Audience),
		"algorithm": words.Once(a.JWT.parseAlgorithm),
		"lifetime":  words.Once(a.JWT.parseLifetime),
	})
}

func (j *JWT) parseAlgorithm(d *caddyfile.Dispenser) (err error) {
	if j.Algorithm, err = words.Text(d); err != nil {
		return err
	}
	if err := identitytoken.Check(j.algorithm(), identitytoken.MaxLifetime); err != nil {
		if near := words.Nearest(j.Algorithm, identitytoken.Algorithms); near != "" {
			return d.Errf("jwt: algorithm: unknown word %q; did you mean %q?", j.Algorithm, near)
		}
		return d.Errf("jwt: algorithm takes ES256 or EdDSA, not %q", j.Algorithm)
	}
	return nil
}

func (j *JWT) parseLifetime(d *caddyfile.Dispenser) error {
	text, err := words.Text(d)
	if err != nil {
		return err
	}
	if j.Lifetime, err = words.ParseDuration(text); err != nil {
		return d.Errf("jwt: lifetime: %w", err)
	}
	if err := identitytoken.Check(j.algorithm(), j.lifetime()); err != nil {
		return d.Errf("jwt: %w", err)
	}
	return nil
}

// CheckPolicy says what is wrong with what was read, if all of it lets nobody in or has
// words that exclude each other.
func (a *App) CheckPolicy(d *caddyfile.Dispenser) error {
	if err := a.asPolicy().Check(nil); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
