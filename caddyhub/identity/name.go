package identity

import (
	"fmt"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// MaxNameLength is how long the name of a user, group or service may be, in
// bytes as it stands in a key, percent-encoded. Two names and what is around
// them fit into store.MaxKeyLength.
const MaxNameLength = 400

// CheckName says what is wrong with the name of a user, group or service, as
// ErrName. What else a name must be the authenticator's rules say.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: empty", ErrName)
	case len(name) > MaxNameLength || len(store.Join(name)) > MaxNameLength:
		return fmt.Errorf("%w: longer than %d bytes", ErrName, MaxNameLength)
	case !utf8.ValidString(name):
		// It would come back from the store as another name.
		return fmt.Errorf("%w: not UTF-8", ErrName)
	}
	return nil
}

// keyOf is the id of the record with this name. A name that nobody can have
// has none, and is not found.
func keyOf(what, name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrNotFound, what, err)
	}
	return store.Join(name), nil
}
