package exchange

import (
	"crypto/sha256"
	"encoding/binary"
)

// shown is how many bytes of a token's name its id in logs has.
const shown = 8

// nameOf is what stands for a token in the store. It is a plain hash and none that
// depends on a key of the hub: a token must stay used when keys are exchanged. What
// is hashed is worth nothing by then.
func nameOf(parts []string) []byte {
	hash := sha256.New()
	hash.Write([]byte("caddyhub exchanged token"))
	for _, part := range parts {
		hash.Write(binary.AppendUvarint(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)
}
