package app

import (
	"encoding/json"
	"fmt"
)

// authenticatorNames are those by which logs, addresses and sessions know the
// authenticators: the names that they are given, else their types, with a number
// from the second one of a type on.
func authenticatorNames(raws []json.RawMessage) ([]string, error) {
	names := make([]string, len(raws))
	used := make(map[string]int)
	seen := make(map[string]bool)
	for i, raw := range raws {
		var given struct {
			Name string `json:"name"`
		}
		kind, err := typeOf(raw)
		if err == nil {
			err = json.Unmarshal(raw, &given)
		}
		if err != nil {
			return nil, err
		}
		if names[i] = given.Name; names[i] == "" {
			names[i] = kind
			if used[kind]++; used[kind] > 1 {
				names[i] = fmt.Sprintf("%s_%d", kind, used[kind])
			}
		}
		if seen[names[i]] {
			return nil, fmt.Errorf("caddyhub: two authenticators have the name %q; give one of them another", names[i])
		}
		seen[names[i]] = true
	}
	return names, nil
}
