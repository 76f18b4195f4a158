package codeflow

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"golang.org/x/oauth2"
)

// Flow is one login under way: a secret between the hub and one browser.
type Flow struct{ secret [32]byte }

// Begin makes a flow.
func Begin() (f Flow) {
	rand.Read(f.secret[:]) // never fails: the program ends before it does
	return f
}

// Resume is the flow that Bytes came from; false if they came from none.
func Resume(kept []byte) (f Flow, ok bool) {
	return f, copy(f.secret[:], kept) == len(f.secret) && len(kept) == len(f.secret)
}

// Bytes is what the browser keeps, sealed.
func (f Flow) Bytes() []byte { return f.secret[:] }

// State ties the provider's answer to the browser.
func (f Flow) State() string { return f.derive("state") }

// Nonce ties an ID token to the browser.
func (f Flow) Nonce() string { return f.derive("nonce") }

// Verifier proves to the provider that whoever redeems the code began the login.
func (f Flow) Verifier() string { return f.derive("verifier") }

// challenge is what the provider sees of the verifier at the beginning.
func (f Flow) challenge() string { return oauth2.S256ChallengeFromVerifier(f.Verifier()) }

// derive makes values of 43 characters that say nothing of each other.
func (f Flow) derive(purpose string) string {
	mac := hmac.New(sha256.New, f.secret[:])
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
