package spawner

import (
	"crypto/rand"
	"strings"
)

// SpawnIDVariable is the environment variable that carries Request.SpawnID into
// servers whose spawner finds them by it.
const SpawnIDVariable = "CADDYHUB_SPAWN_ID"

// NewSpawnID returns a random id of 26 lower case letters and digits, which
// bears 130 bits. It is not a secret.
func NewSpawnID() string {
	return strings.ToLower(rand.Text())
}

// ValidSpawnID reports whether an id is safe as part of a file name, a label or
// a variable: 8 to 64 lower case letters and digits.
func ValidSpawnID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
