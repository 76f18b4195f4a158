package identitytoken

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// purposeKey is what private keys are sealed for.
const purposeKey = "identity token key"

// record is a signing key in the store. Its id is the key id of the JWKS.
type record struct {
	Algorithm Algorithm `json:"algorithm"`
	// From is when the key begins to sign; it is published at once.
	From time.Time `json:"from"`
	// Sealed is the private key, PKCS #8, sealed by the key ring.
	Sealed []byte `json:"sealed"`
}

// records are kept until they expire, which they do only once replaced.
var records = store.Collection[record]{Kind: "identity_token_key"}

// key is a signing key in memory.
type key struct {
	id        string
	algorithm Algorithm
	from      time.Time
	// until is when it is forgotten; zero as long as it was not replaced.
	until   time.Time
	private crypto.Signer
	public  jwk
}

// String hides the private key.
func (k *key) String() string { return "signing key " + k.id }

// newRecord draws a key and seals it.
func newRecord(ring *keyring.Ring, id string, algorithm Algorithm, from time.Time) (record, error) {
	private, err := algorithm.generate()
	if err != nil {
		return record{}, err
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return record{}, fmt.Errorf("identitytoken: %w", err)
	}
	made := record{Algorithm: algorithm, From: from.UTC().Truncate(time.Millisecond)}
	made.Sealed = ring.Seal(purposeKey, text, made.additional(id))
	return made, nil
}

// additional ties what is sealed to its record.
func (r record) additional(id string) []byte {
	return []byte(store.Join(id, string(r.Algorithm), r.From.UTC().Format(time.RFC3339Nano)))
}

// open unseals a key.
func open(ring *keyring.Ring, item store.Item[record]) (*key, error) {
	text, err := ring.Open(purposeKey, item.Value.Sealed, item.Value.additional(item.ID))
	if err != nil {
		return nil, fmt.Errorf("identitytoken: key %s: %w", item.ID, err)
	}
	private, err := item.Value.Algorithm.parse(text)
	if err != nil {
		return nil, err
	}
	made := &key{
		id: item.ID, algorithm: item.Value.Algorithm, from: item.Value.From, until: item.Expires, private: private,
	}
	made.public, err = publicKey(made)
	return made, err
}

// set are keys, the one that signs last in front.
type set []*key

func (s set) sort() {
	slices.SortFunc(s, func(a, b *key) int {
		return cmp.Or(b.from.Compare(a.from), cmp.Compare(a.id, b.id))
	})
}

// of are those for an algorithm.
func (s set) of(algorithm Algorithm) set {
	var found set
	for _, k := range s {
		if k.algorithm == algorithm {
			found = append(found, k)
		}
	}
	return found
}

// signing is the key that signs now: the newest that may. If all begin in the
// future, for a clock was set back, it is the one that begins first.
func (s set) signing(algorithm Algorithm, now time.Time) *key {
	var found *key
	for _, k := range s {
		if k.algorithm != algorithm {
			continue
		}
		if found = k; !k.from.After(now) {
			return k
		}
	}
	return found
}
