package exchange

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

const (
	// DefaultMaxLifetime is how long a signed token may be good: as long as it
	// takes to follow a link.
	DefaultMaxLifetime = time.Minute
	// leeway is how far the clocks of portal and hub may be apart.
	leeway = 5 * time.Second
	// skew is how far the clocks of nodes may be apart: one must not have forgotten
	// a token that another still believes.
	skew = time.Minute
	// maxTokenID bounds "jti" in bytes.
	maxTokenID = 512
)

// SignedOptions say what is demanded of signed tokens. Verifier and Audience are
// required.
type SignedOptions struct {
	Verifier *jwks.Verifier
	// Issuer is who signs ("iss"); empty accepts any that has the key.
	Issuer string
	// Audience is the hub as the portal calls it ("aud").
	Audience string
	// MaxLifetime is how long a token may be good; zero is DefaultMaxLifetime.
	MaxLifetime time.Duration
}

// Signed are JSON Web Tokens. Beside what is expected of them they have an id
// ("jti"), by which they are good once.
type Signed struct {
	verifier *jwks.Verifier
	want     jwks.Expected
}

// NewSigned checks the options.
func NewSigned(o SignedOptions) (*Signed, error) {
	if o.Verifier == nil || o.Audience == "" {
		return nil, errors.New("exchange: signed tokens need a key to verify them and an audience: else a token that was signed for another site logs in here")
	}
	if o.MaxLifetime == 0 {
		o.MaxLifetime = DefaultMaxLifetime
	}
	return &Signed{verifier: o.Verifier, want: jwks.Expected{
		Issuer: o.Issuer, Audience: o.Audience, MaxLifetime: o.MaxLifetime, Leeway: leeway,
	}}, nil
}

func (s *Signed) redeem(ctx context.Context, token string) (worth, error) {
	claims, err := s.verifier.Verify(ctx, token, s.want)
	switch {
	case errors.Is(err, jwks.ErrInvalid):
		return worth{}, fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return worth{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	id, _ := claims["jti"].(string)
	if id == "" || len(id) > maxTokenID {
		return worth{}, refuse("it has no id (jti)")
	}
	expires, ok := claims["exp"].(interface{ Float64() (float64, error) })
	if !ok {
		return worth{}, refuse("its expiry is no time")
	}
	seconds, err := expires.Float64()
	if err != nil {
		return worth{}, refuse("its expiry is no time")
	}
	issuer, _ := claims["iss"].(string)
	until := time.Unix(int64(seconds)+1, 0).Add(leeway + skew)
	return worth{claims: claims, name: []string{"signed", issuer, id}, until: until}, nil
}
