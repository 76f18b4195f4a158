package identitytoken

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
)

const (
	// MaxLifetime is how long a token may be good for, and the default: what was
	// taken from a visitor must not go on counting elsewhere for longer.
	MaxLifetime = 5 * time.Minute
	// MinLifetime is the shortest that is of use, with clocks that differ.
	MinLifetime = 10 * time.Second
	// behind is how far the clock of whoever verifies may be behind.
	behind = 5 * time.Second
)

// ErrLifetime says that a lifetime is not between MinLifetime and MaxLifetime.
var ErrLifetime = errors.New("lifetime of a token")

// Subject is whom a token is about.
type Subject struct {
	// Kind is "user" or "service".
	Kind string
	// Name of the user or service.
	Name string
	// Admin of the hub.
	Admin bool
	// Groups of a user and Scopes of the credential; told in the order given.
	Groups, Scopes []string
	// Login keeps tokens of different logins apart; it is not told.
	Login string
}

// claims are what a token says, see the package comment.
type claims struct {
	jwt.RegisteredClaims

	// Audience takes the place of the list above: one text, which those understand
	// as well who know of no list (RFC 7519, 4.1.3).
	Audience string `json:"aud"`

	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
	Admin  bool     `json:"admin,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
}

// Options are what an Issuer is made of. Keys is required.
type Options struct {
	Keys *Keys
	// Algorithm to sign by; empty means DefaultAlgorithm.
	Algorithm Algorithm
	// Lifetime of a token; zero means MaxLifetime.
	Lifetime time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Issuer makes tokens in one way. It is safe for concurrent use.
type Issuer struct {
	keys      *Keys
	algorithm Algorithm
	lifetime  time.Duration
	now       func() time.Time
	made      cache
}

// New makes an Issuer, or returns ErrAlgorithm or ErrLifetime.
func New(options Options) (*Issuer, error) {
	i := &Issuer{keys: options.Keys, algorithm: options.Algorithm, lifetime: options.Lifetime, now: options.Now}
	if i.algorithm == "" {
		i.algorithm = DefaultAlgorithm
	}
	if i.lifetime == 0 {
		i.lifetime = MaxLifetime
	}
	if i.now == nil {
		i.now = time.Now
	}
	if err := Check(i.algorithm, i.lifetime); err != nil {
		return nil, err
	}
	return i, nil
}

// Check says what is wrong with an algorithm or a lifetime.
func Check(algorithm Algorithm, lifetime time.Duration) error {
	if algorithm.method() == nil {
		return fmt.Errorf("%w %q", ErrAlgorithm, string(algorithm))
	}
	if lifetime < MinLifetime || lifetime > MaxLifetime {
		return fmt.Errorf("%w: %s is not between %s and %s", ErrLifetime, lifetime, MinLifetime, MaxLifetime)
	}
	return nil
}

// Token is a token about a subject, from a hub with this address, for an
// audience. Calls with the same arguments give the same one as long as at least
// half of its life is left. An error means that there is no key, which wraps
// store.ErrUnavailable.
func (i *Issuer) Token(issuer, audience string, about Subject) (string, error) {
	var buffer [512]byte
	argument := about.append(appendTexts(buffer[:0], issuer, audience))
	now := i.now()
	if made, known := i.made.get(argument, now); known {
		return made, nil
	}
	signed, err := i.sign(issuer, audience, about, now)
	if err != nil {
		return "", err
	}
	i.made.put(argument, cached{token: signed, until: now.Add(i.lifetime / 2)})
	return signed, nil
}

func (i *Issuer) sign(issuer, audience string, about Subject, now time.Time) (string, error) {
	by, err := i.keys.sign(i.algorithm)
	if err != nil {
		return "", err
	}
	from := now.Add(-behind)
	token := jwt.NewWithClaims(i.algorithm.method(), claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: about.Name, ID: keyring.RandomToken(16),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(from), ExpiresAt: jwt.NewNumericDate(from.Add(i.lifetime)),
		},
		Audience: audience, Kind: about.Kind, Name: about.Name, Admin: about.Admin,
		// An empty list, not null: whoever looks a group up need not ask first.
		Groups: append([]string{}, about.Groups...), Scopes: slices.Clone(about.Scopes),
	})
	token.Header["kid"] = by.id
	signed, err := token.SignedString(by.private)
	if err != nil {
		return "", fmt.Errorf("identitytoken: %w", err)
	}
	return signed, nil
}

// append writes a subject such that different ones never look the same.
func (s Subject) append(to []byte) []byte {
	admin := "0"
	if s.Admin {
		admin = "1"
	}
	to = appendTexts(to, s.Login, s.Kind, s.Name, admin)
	to = binary.AppendUvarint(to, uint64(len(s.Groups)))
	return appendTexts(appendTexts(to, s.Groups...), s.Scopes...)
}

// appendTexts appends each text with its length.
func appendTexts(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return to
}
