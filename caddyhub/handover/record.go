package handover

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// lifetime is how long a code is good. A redirect takes the blink of an eye;
	// what leaks into a log or a history should be worthless there.
	lifetime = time.Minute
	// maxCode bounds what is hashed for a code that cannot be ours, in bytes.
	maxCode = 128
)

const purposeCode = "handover code"

// record is what the hub keeps of a code; the code itself is not part of it.
type record struct {
	// Host is where the code is good.
	Host string `json:"host"`
	// State is the hash of the secret that the browser has there.
	State string `json:"state"`
	// SessionID names the login.
	SessionID string `json:"session_id"`
	// Next is where the browser goes on, a path.
	Next string `json:"next"`
}

// codes by the keyed hash of the code.
var codes = store.Collection[record]{Kind: "handover_code"}

// newCode draws 52 letters and digits, 260 random bits.
func newCode() string { return rand.Text() + rand.Text() }

// State is what the hub is told of a browser's secret (RFC 7636 does the same
// with a code_challenge): enough to know it again, not enough to be it.
func State(secret string) string {
	sum := sha256.Sum256([]byte("caddyhub handover " + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stateLength is how long a State is.
var stateLength = base64.RawURLEncoding.EncodedLen(sha256.Size)

func hexOf(macs [][]byte) []string {
	ids := make([]string, len(macs))
	for i, mac := range macs {
		ids[i] = hex.EncodeToString(mac)
	}
	return ids
}
