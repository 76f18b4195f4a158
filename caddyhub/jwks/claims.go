package jwks

import (
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func (e Expected) options(now func() time.Time) []jwt.ParserOption {
	options := []jwt.ParserOption{
		jwt.WithTimeFunc(now), jwt.WithLeeway(e.Leeway),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	}
	if e.Issuer != "" {
		options = append(options, jwt.WithIssuer(e.Issuer))
	}
	if e.Audience != "" {
		options = append(options, jwt.WithAudience(e.Audience))
	}
	return options
}

// check is what the parser has no option for.
func (e Expected) check(claims jwt.MapClaims, now time.Time) error {
	if _, there := claims["aud"]; there && e.Audience == "" {
		return invalid("it is for an audience, and none is configured")
	}
	if e.MaxLifetime == 0 {
		return nil
	}
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return invalid("its expiry is no time")
	}
	issued, err := claims.GetIssuedAt()
	if err != nil {
		return invalid("its time of issue is no time")
	}
	if issued == nil {
		issued = jwt.NewNumericDate(now)
	}
	// The first bounds what the issuer meant, the second what a wrong clock or an
	// old time of issue makes of it.
	if expires.Sub(issued.Time) > e.MaxLifetime || expires.Sub(now) > e.MaxLifetime+e.Leeway {
		return invalid("it is valid for longer than is allowed")
	}
	return nil
}

const notToken = "it is no JSON Web Token"

// reasons are what the parser finds, in words of ours: its own can repeat what the
// token says, which a stranger wrote.
var reasons = []struct {
	err error
	why string
}{
	{jwt.ErrTokenMalformed, notToken},
	{jwt.ErrTokenSignatureInvalid, "its signature is wrong"},
	{jwt.ErrTokenUnverifiable, "its algorithm is not known"},
	{jwt.ErrTokenRequiredClaimMissing, "a claim that is required is missing"},
	{jwt.ErrTokenExpired, "it has expired"},
	{jwt.ErrTokenNotValidYet, "it is not valid yet"},
	{jwt.ErrTokenUsedBeforeIssued, "it was issued in the future"},
	{jwt.ErrTokenInvalidIssuer, "it has another issuer"},
	{jwt.ErrTokenInvalidAudience, "it is for another audience"},
	{jwt.ErrInvalidType, "a claim has the wrong type"},
}

func reason(err error) error {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return invalid(r.why)
		}
	}
	return invalid("its claims are not valid")
}
