package identity

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Token ids are a number of 53 bits, which every language reads: 41 bits of
// time, so that they sort in the order of creation, and 12 at random. A counter
// instead would be one record that all nodes write.
const (
	tokenIDRandom = 12
	// tokenIDTries is after how many ids that are taken there are none left.
	tokenIDTries = 64
)

var errNoTokenID = errors.New("identity: no free token id")

// tokenID draws an id that no token has. That the transaction has read that it
// is free keeps two from getting it.
func (d *Directory) tokenID(r store.Reader) (string, error) {
	for range tokenIDTries {
		var random [8]byte
		rand.Read(random[:])
		number := uint64(d.now().UnixMilli())<<tokenIDRandom | binary.BigEndian.Uint64(random[:])%(1<<tokenIDRandom)
		id := "a" + strconv.FormatUint(number, 10)
		_, taken, err := activities.Find(r, ActivityOfToken(id))
		if err != nil || !taken {
			return id, err
		}
	}
	return "", errNoTokenID
}
