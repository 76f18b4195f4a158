package externalcookie

import (
	"log/slog"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/jwks"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// JWT says which JSON Web Tokens are believed.
type JWT struct {
	// Key is a public key or certificate in PEM, or a secret of at least 32 bytes that
	// is shared with the site. Either this or JWKS.
	Key string `json:"key,omitempty"`
	// JWKS is the URL of a key set (RFC 7517).
	JWKS string `json:"jwks,omitempty"`
	// Issuer is what "iss" must be. Default: anything.
	Issuer string `json:"issuer,omitempty"`
	// Audience is what "aud" must be or contain. Default: tokens that have it are
	// refused.
	Audience string `json:"audience,omitempty"`
	// MaxLifetime is how long a token may be good for. Default: any time.
	MaxLifetime words.Duration `json:"max_lifetime,omitempty"`
	// Leeway is how far the clocks of the site and the hub may be apart. Default: not
	// at all.
	Leeway words.Duration `json:"leeway,omitempty"`
}

func (j *JWT) expand(replacer *caddy.Replacer) {
	for _, field := range []*string{&j.Key, &j.JWKS, &j.Issuer, &j.Audience} {
		*field = replacer.ReplaceAll(*field, "")
	}
}

func (j *JWT) verifier(log *slog.Logger) (*jwks.Verifier, error) {
	options := jwks.Options{URL: j.JWKS, Log: log}
	if strings.HasPrefix(strings.TrimSpace(j.Key), "-----BEGIN ") {
		options.PEM = []byte(j.Key)
	} else if j.Key != "" {
		options.Secret = []byte(j.Key)
	}
	return jwks.New(options)
}

func (j *JWT) expected() jwks.Expected {
	return jwks.Expected{
		Issuer: j.Issuer, Audience: j.Audience,
		MaxLifetime: time.Duration(j.MaxLifetime), Leeway: time.Duration(j.Leeway),
	}
}

func (a *Authenticator) parseJWT(d *caddyfile.Dispenser) error {
	if err := words.None(d); err != nil {
		return err
	}
	a.JWT = new(JWT)
	return words.Block(d, "jwt", map[string]words.Word{
		"key":          words.ToText(&a.JWT.Key),
		"jwks":         words.ToText(&a.JWT.JWKS),
		"issuer":       words.ToText(&a.JWT.Issuer),
		"audience":     words.ToText(&a.JWT.Audience),
		"max_lifetime": words.ToDuration(&a.JWT.MaxLifetime),
		"leeway":       words.ToDuration(&a.JWT.Leeway),
	})
}
