package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// Lengths of a code verifier (RFC 7636, 4.1).
const (
	minVerifier = 43
	maxVerifier = 128
)

// checkChallenge says, as a refusal, what is wrong with the PKCE parameters of
// an authorization request. "plain" is refused: it protects from nothing that
// the other parameters do not.
func checkChallenge(challenge, method string) error {
	switch {
	case challenge == "" && method == "":
		return nil
	case challenge == "":
		return refuseByRedirect(invalidRequest, "Code challenge required.")
	case method != "S256":
		return refuseByRedirect(invalidRequest, "Transform algorithm not supported.")
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(sum) != sha256.Size || strings.ContainsAny(challenge, "\r\n") {
		return refuseByRedirect(invalidRequest, "Invalid code challenge.")
	}
	return nil
}

// validVerifier checks length and characters of a code verifier.
func validVerifier(verifier string) bool {
	if len(verifier) < minVerifier || len(verifier) > maxVerifier {
		return false
	}
	return !strings.ContainsFunc(verifier, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~", c)
	})
}

// checkVerifier compares the verifier of a token request with the challenge
// that came with the authorization request; either may be empty.
func checkVerifier(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		// Who has a verifier sent a challenge. Somebody took it away on the way
		// (the downgrade of CVE-2023-48228).
		return refuseAsJSON(invalidGrant, "Challenge not found")
	case verifier == "":
		return refuseAsJSON(invalidRequest, "Code verifier required.")
	}
	sum := sha256.Sum256([]byte(verifier))
	wanted := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(wanted), []byte(challenge)) != 1 {
		return refuseAsJSON(invalidGrant, "Code verifier does not match.")
	}
	return nil
}
