package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// The example of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestPKCE(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	tests := []struct {
		name, challenge, method string
		refused                 string
		verifier, code, about   string
	}{
		{name: "none"},
		{name: "matching", challenge: challenge, method: "S256", verifier: verifier},
		{name: "verifier left out", challenge: challenge, method: "S256", code: "invalid_request", about: "Code verifier required."},
		{name: "other verifier", challenge: challenge, method: "S256", verifier: strings.Repeat("a", 43), code: "invalid_grant", about: "Code verifier does not match."},
		{name: "challenge as verifier", challenge: challenge, method: "S256", verifier: challenge, code: "invalid_grant", about: "Code verifier does not match."},
		{name: "challenge taken away", verifier: verifier, code: "invalid_grant", about: "Challenge not found"},
		{name: "short verifier", challenge: challenge, method: "S256", verifier: verifier[:42], code: "invalid_request", about: "Invalid code verifier."},
		{name: "long verifier", challenge: challenge, method: "S256", verifier: strings.Repeat("a", 129), code: "invalid_request", about: "Invalid code verifier."},
		{name: "verifier with a space", challenge: challenge, method: "S256", verifier: verifier + " ", code: "invalid_request", about: "Invalid code verifier."},
		{name: "verifier beyond ASCII", challenge: challenge, method: "S256", verifier: verifier + "é", code: "invalid_request", about: "Invalid code verifier."},
		{name: "plain", challenge: verifier, method: "plain", refused: "Transform algorithm not supported."},
		{name: "plain by default", challenge: verifier, refused: "Transform algorithm not supported."},
		{name: "method in lower case", challenge: challenge, method: "s256", refused: "Transform algorithm not supported."},
		{name: "method without challenge", method: "S256", refused: "Code challenge required."},
		{name: "short challenge", challenge: challenge[:42], method: "S256", refused: "Invalid code challenge."},
		{name: "padded challenge", challenge: challenge + "=", method: "S256", refused: "Invalid code challenge."},
		{name: "challenge in base64", challenge: strings.ReplaceAll(challenge, "-", "+"), method: "S256", refused: "Invalid code challenge."},
		{name: "challenge with stray bits", challenge: challenge[:42] + "N", method: "S256", refused: "Invalid code challenge."},
		{name: "challenge with a newline", challenge: challenge[:42] + "\n" + challenge[42:], method: "S256", refused: "Invalid code challenge."},
	}
	for _, test := range tests {
		got := get(t, ada, h.request("code_challenge", test.challenge, "code_challenge_method", test.method))
		told := got.told(serverCallback)
		if told == nil || told.Get("error_description") != test.refused || told.Has("code") == (test.refused != "") {
			t.Errorf("%s: %d %v", test.name, got.StatusCode, told)
		}
		if test.refused != "" || !told.Has("code") {
			continue
		}
		answer := h.exchange(t, told.Get("code"), "code_verifier", test.verifier)
		code, about := answer.outcome(t)
		if code != test.code || about != test.about || (answer.StatusCode == http.StatusOK) != (test.code == "") {
			t.Errorf("%s: %d %s", test.name, answer.StatusCode, answer.body)
		}
	}
}

// outcome is failure for answers that may be good.
func (a answer) outcome(t *testing.T) (code, description string) {
	t.Helper()
	if a.StatusCode == http.StatusOK {
		return "", ""
	}
	return a.failure(t)
}

// A wrong guess at the verifier is the only one.
func TestOneGuess(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server(), oauth2.S256ChallengeOption(verifier))
	if got := h.exchange(t, code, "code_verifier", strings.Repeat("a", 43)); got.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if got := h.exchange(t, code, "code_verifier", verifier); got.StatusCode != http.StatusBadRequest {
		t.Errorf("the second guess counts: %s", got.body)
	}
	code = h.code(t, ada, h.server(), oauth2.S256ChallengeOption(verifier))
	if _, err := h.server().Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Error(err)
	}
}
