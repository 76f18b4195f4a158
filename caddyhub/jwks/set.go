package jwks

import (
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

const (
	// maxSet bounds the answer of the URL in bytes.
	maxSet = 512 << 10
	// maxKeys bounds how many keys a token without a key id is tried against.
	maxKeys = 64
)

// parseSet reads a key set (RFC 7517, section 5). Keys that we cannot use are
// skipped, as it demands: they are for other readers. A set without any that we
// can use is an error.
func parseSet(data []byte) (keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, errors.New("the answer is no key set")
	}
	if len(document.Keys) > maxKeys {
		return nil, errors.New("the key set has more than 64 keys")
	}
	var set keySet
	for _, raw := range document.Keys {
		if k, ok := parseKey(raw); ok {
			set = append(set, k)
		}
	}
	if len(set) == 0 {
		return nil, errors.New("the key set has no public key that can verify a signature")
	}
	return set, nil
}

// parseKey leaves out what must not verify: secrets, private keys, and keys that
// their owner made for something else.
func parseKey(raw json.RawMessage) (key, bool) {
	var web jose.JSONWebKey
	if err := web.UnmarshalJSON(raw); err != nil {
		return key{}, false
	}
	if !web.IsPublic() || !web.Valid() || web.Use != "" && web.Use != "sig" {
		return key{}, false
	}
	k, err := newKey(web.KeyID, web.Algorithm, web.Key)
	return k, err == nil
}
