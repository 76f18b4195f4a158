package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	// ErrInvalid says that a token is not to be believed. The reason is in the
	// text of the error, which is for the operator and never for the client.
	ErrInvalid = errors.New("jwks: token refused")
	// ErrUnavailable says that the key set cannot be fetched, so that nothing is
	// known about the token. To a client it is a 503.
	ErrUnavailable = errors.New("jwks: key set unavailable")
)

// maxToken is how long a token may be, in bytes. What is longer fits no cookie
// and hardly a URL, and would only make us decode it.
const maxToken = 16 << 10

// Options says which keys are trusted: exactly one of Secret, PEM and URL.
type Options struct {
	// Secret is shared with whoever signs; at least 32 bytes.
	Secret []byte
	// PEM holds one or several public keys or certificates.
	PEM []byte
	// URL of a key set. http is for hosts that are reached by a private network.
	URL string
	// Client fetches the key set. Nil is one that follows redirects on the same
	// host only.
	Client *http.Client
	// MaxStale is how old keys of a set may be while its URL is down; zero means
	// 6 hours.
	MaxStale time.Duration
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Log hears of key sets that could not be fetched. Nil discards.
	Log *slog.Logger
}

// Verifier verifies tokens with the keys that it was made with. Its methods may be
// called from any goroutine.
type Verifier struct {
	keys keySource
	now  func() time.Time
}

// keySource finds the keys that a token with this key id and algorithm may be
// signed by; none is an empty answer and no error.
type keySource interface {
	find(ctx context.Context, id, algorithm string) ([]jwt.VerificationKey, error)
}

// Expected is what a token must say beyond being signed and not expired.
type Expected struct {
	// Issuer is the value of "iss". Empty accepts any.
	Issuer string
	// Audience is one value of "aud". Empty accepts only tokens without "aud": one
	// that names its audience is not for those who do not know theirs (RFC 7519,
	// section 4.1.3).
	Audience string
	// MaxLifetime bounds the time from "iat" to "exp", and from now to "exp". Zero
	// accepts any.
	MaxLifetime time.Duration
	// Leeway is how far the clocks of issuer and hub may be apart. Zero is none.
	Leeway time.Duration
}

// New makes a Verifier. It fetches nothing yet, and fails on keys that are too
// weak or none.
func New(o Options) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	keys, err := source(o)
	if err != nil {
		return nil, err
	}
	return &Verifier{keys: keys, now: o.Now}, nil
}

func source(o Options) (keySource, error) {
	var given int
	for _, there := range []bool{len(o.Secret) > 0, len(o.PEM) > 0, o.URL != ""} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, errors.New("jwks: give one of a shared secret, a public key and the URL of a key set")
	case len(o.Secret) > 0:
		return newSecret(o.Secret)
	case len(o.PEM) > 0:
		return parsePEM(o.PEM)
	}
	return newRemote(o)
}

// Verify returns the claims of a token that is signed by a trusted key, is valid
// now and says what is expected. Numbers in the claims are json.Number, so that
// none loses a digit.
//
// It returns an error wrapping ErrInvalid or ErrUnavailable, or that of the
// context.
func (v *Verifier) Verify(ctx context.Context, token string, want Expected) (map[string]any, error) {
	if len(token) > maxToken {
		return nil, invalid("it is longer than 16 KiB")
	}
	// Decoders skip line feeds, and one token would be many texts.
	if strings.ContainsFunc(token, foreign) {
		return nil, invalid(notToken)
	}
	parser := jwt.NewParser(want.options(v.now)...)
	claims := jwt.MapClaims{}
	var trouble error
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		var keys []jwt.VerificationKey
		keys, trouble = v.find(ctx, t)
		return jwt.VerificationKeySet{Keys: keys}, trouble
	})
	switch {
	case trouble != nil:
		return nil, trouble
	case err != nil:
		return nil, reason(err)
	}
	if err := want.check(claims, v.now()); err != nil {
		return nil, err
	}
	return claims, nil
}

// find takes from the header the two fields that choose among the trusted keys,
// and nothing else.
func (v *Verifier) find(ctx context.Context, t *jwt.Token) ([]jwt.VerificationKey, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, invalid("its header has critical extensions")
	}
	id, _ := t.Header["kid"].(string)
	keys, err := v.keys.find(ctx, id, t.Method.Alg())
	if err == nil && len(keys) == 0 {
		err = invalid("no trusted key fits its key id and algorithm")
	}
	return keys, err
}

// foreign tells which characters a token in compact form does not have (RFC 7515,
// section 7.1).
func foreign(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }
