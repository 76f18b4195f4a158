package store

import (
	"fmt"
	"net/url"
	"strings"
)

// Join builds an id from parts such that different parts never give the same
// id, whatever they contain: each part is percent-encoded, a slash stands
// between. Join("alice", "") is "alice/", the id of alice's default server.
func Join(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return strings.Join(escaped, "/")
}

// Under is the Page.Prefix of all ids that Join begins with these parts.
func Under(parts ...string) string {
	return Join(parts...) + "/"
}

// Split takes an id apart again; it is the inverse of Join.
func Split(id string) ([]string, error) {
	parts := strings.Split(id, "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, fmt.Errorf("%w: id: %w", ErrInvalid, err)
		}
		parts[i] = plain
	}
	return parts, nil
}

// Validate says what is wrong with a key, as ErrInvalid.
func (k Key) Validate() error {
	if k.ID == "" {
		return fmt.Errorf("%w: a key of kind %q without an id", ErrInvalid, k.Kind)
	}
	if len(k.Kind)+len(k.ID) > MaxKeyLength {
		return fmt.Errorf("%w: a key of kind %q longer than %d bytes", ErrInvalid, k.Kind, MaxKeyLength)
	}
	return ValidateKind(k.Kind)
}

// ValidateKind says what is wrong with a kind, as ErrInvalid.
func ValidateKind(kind string) error {
	if kind == "" {
		return fmt.Errorf("%w: an empty kind", ErrInvalid)
	}
	for _, c := range []byte(kind) {
		if (c < 'a' || c > 'z') && c != '_' {
			return fmt.Errorf("%w: kind %q: only lower case letters and underscores", ErrInvalid, kind)
		}
	}
	return nil
}

// Validate says what is wrong with a page, as ErrInvalid.
func (p Page) Validate() error {
	if p.Limit < 0 || p.Limit > MaxPage {
		return fmt.Errorf("%w: a page of %d records, must be 1 to %d", ErrInvalid, p.Limit, MaxPage)
	}
	if len(p.Prefix) > MaxKeyLength || len(p.After) > MaxKeyLength {
		return fmt.Errorf("%w: a page bound longer than %d bytes", ErrInvalid, MaxKeyLength)
	}
	return nil
}

// Size is how many records the page has at most.
func (p Page) Size() int {
	if p.Limit == 0 {
		return MaxPage
	}
	return p.Limit
}
