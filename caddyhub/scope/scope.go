package scope

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest scope text in bytes. It holds a user and a server
// name of 255 characters of four bytes each with room for the scope's own name,
// and bounds what a hostile request can make us parse and store.
const MaxLength = 4096

var (
	// ErrSyntax says that a text is not a scope, whatever scopes are defined.
	ErrSyntax = errors.New("malformed scope")
	// ErrUnknown says that a scope is well formed but nobody defined it.
	ErrUnknown = errors.New("scope does not exist")
)

// Kind is what a filter restricts a scope to.
type Kind uint8

// The kinds of filters. KindNone is the zero value: no filter.
const (
	KindNone Kind = iota
	KindUser
	KindGroup
	KindService
	KindServer
)

// kinds is how many kinds restrict something.
const kinds = 4

// String returns the word that stands for the kind in a scope.
func (k Kind) String() string {
	switch k {
	case KindUser:
		return "user"
	case KindGroup:
		return "group"
	case KindService:
		return "service"
	case KindServer:
		return "server"
	}
	return ""
}

// parseKind is the reverse of Kind.String; KindNone for an unknown word.
func parseKind(word string) Kind {
	for kind := KindUser; kind <= KindServer; kind++ {
		if kind.String() == word {
			return kind
		}
	}
	return KindNone
}

// Filter restricts a scope to resources of one kind. The zero Filter does not
// restrict. A kind without a value is a placeholder ("!user"), which expansion
// fills in. The value of a server is "USER/SERVER", of a default server "USER/".
type Filter struct {
	Kind  Kind
	Value string
}

// IsZero reports whether the filter restricts nothing.
func (f Filter) IsZero() bool { return f.Kind == KindNone }

// Placeholder reports whether the filter still has to be filled in.
func (f Filter) Placeholder() bool { return f.Kind != KindNone && f.Value == "" }

// String returns the filter as it is written after the exclamation mark.
func (f Filter) String() string {
	if f.IsZero() || f.Placeholder() {
		return f.Kind.String()
	}
	return f.Kind.String() + "=" + f.Value
}

// Scope is one parsed scope text.
type Scope struct {
	// Name is the scope without its filter, such as "read:users".
	Name   string
	Filter Filter
}

// String returns the text that Parse was given.
func (s Scope) String() string {
	if s.Filter.IsZero() {
		return s.Name
	}
	return s.Name + "!" + s.Filter.String()
}

// Parse reads one scope text: NAME, NAME!KIND=VALUE, or one of the placeholders
// NAME!user, NAME!service, NAME!server. It checks syntax and length only;
// Definitions knows which names exist. Errors wrap ErrSyntax.
func Parse(text string) (Scope, error) {
	if len(text) > MaxLength {
		return Scope{}, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, MaxLength)
	}
	name, filterText, filtered := strings.Cut(text, "!")
	if name == "" || strings.ContainsFunc(name, notInName) {
		return Scope{}, fmt.Errorf("%w: %q", ErrSyntax, text)
	}
	if !filtered {
		return Scope{Name: name}, nil
	}
	filter, err := parseFilter(filterText)
	if err != nil {
		return Scope{}, fmt.Errorf("%w: %q: %w", ErrSyntax, text, err)
	}
	return Scope{Name: name, Filter: filter}, nil
}

func parseFilter(text string) (Filter, error) {
	word, value, valued := strings.Cut(text, "=")
	kind := parseKind(word)
	switch {
	case kind == KindNone:
		return Filter{}, errors.New("the filter must be one of user, group, service, server")
	case !valued && kind == KindGroup:
		return Filter{}, errors.New("the filter group needs a value")
	case !valued:
		return Filter{Kind: kind}, nil
	case value == "":
		return Filter{}, errors.New("the filter has an empty value")
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return Filter{}, errors.New("the filter has a character that no name can have")
	}
	if kind == KindServer {
		if _, ok := ParseServer(value); !ok {
			return Filter{}, errors.New("the filter server needs USER/SERVER")
		}
	}
	return Filter{Kind: kind, Value: value}, nil
}

// notInName reports whether a rune cannot be part of a scope's name. The
// parentheses are those of "(no_scope)", the asterisk is for custom scopes.
func notInName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_:*()", r)
}
