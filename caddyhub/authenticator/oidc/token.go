package oidc

import (
	"context"
	"crypto"
	_ "crypto/sha256" // the hashes of the algorithms
	_ "crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

const (
	// leeway is how far the clocks of provider and hub may be apart.
	leeway = time.Minute
	// maxSubject is the length of a subject in bytes (OpenID Connect Core, section 2).
	maxSubject = 255
)

// verify checks an ID token as OpenID Connect Core, sections 3.1.3.7 and 3.1.3.8,
// says, and returns its claims. The nonce is not looked at if it is empty and the
// token has none: tokens of a refresh.
func (a *Authenticator) verify(ctx context.Context, m *metadata, kept state, nonce string) (claims.Claims, error) {
	told, err := a.signed(ctx, m, kept.IDToken, 0)
	if err != nil {
		return nil, err
	}
	subject, there := told.Text("sub")
	if !there || len(subject) > maxSubject {
		return nil, denied("the ID token has no subject")
	}
	if err := a.authorizedParty(told); err != nil {
		return nil, err
	}
	given, _ := told["nonce"].(string)
	_, has := told["nonce"]
	if (has || nonce != "") && subtle.ConstantTimeCompare([]byte(given), []byte(nonce)) != 1 {
		return nil, denied("the ID token is for another login")
	}
	if hash, there := told["at_hash"]; there && hash != accessTokenHash(kept.IDToken, kept.AccessToken) {
		return nil, denied("the ID token is for another access token")
	}
	return told, nil
}

// signed verifies what holds for every token of the provider that is for the hub.
func (a *Authenticator) signed(ctx context.Context, m *metadata, token string, lifetime time.Duration) (claims.Claims, error) {
	told, err := m.keys.Verify(ctx, token, jwks.Expected{
		Issuer: a.options.Issuer, Audience: a.options.ClientID, MaxLifetime: lifetime, Leeway: leeway,
	})
	switch {
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
	case errors.Is(err, jwks.ErrInvalid):
		return nil, denied("%w", err)
	}
	return told, err
}

// authorizedParty makes sure that a token for several is for us.
func (a *Authenticator) authorizedParty(told claims.Claims) error {
	party, there := told["azp"]
	several, _ := told["aud"].([]any)
	if there && party != a.options.ClientID || !there && len(several) > 1 {
		return denied("the ID token was issued to another client")
	}
	return nil
}

// accessTokenHash is the claim at_hash for an access token that came with this ID
// token: the left half of its hash, by the algorithm of the signature. It is empty
// for an algorithm without a hash.
func accessTokenHash(idToken, accessToken string) string {
	var header struct {
		Algorithm string `json:"alg"`
	}
	first, _, _ := strings.Cut(idToken, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || json.Unmarshal(text, &header) != nil || len(header.Algorithm) < 3 {
		return ""
	}
	hash, known := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "DSA": crypto.SHA512}[header.Algorithm[len(header.Algorithm)-3:]]
	if !known {
		return ""
	}
	digest := hash.New()
	digest.Write([]byte(accessToken))
	sum := digest.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
