package authenticator

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// MaxNameLength is the length of a user name in bytes; the width of JupyterHub's
// own column, and the least that file names and Kubernetes labels derived from a
// name have to cope with.
const MaxNameLength = 255

// Canonical returns the canonical form of a name: lower case as JupyterHub has
// it, with Unicode's context rules (a final sigma, a dotted I), and in
// normalisation form C, so that no two ways to type a name make two users. It
// joins nothing else: characters that merely look alike stay apart and are left
// to ValidateName to refuse, because joining them would hand the account of one
// person to another whom an identity provider tells apart.
//
// A name that ValidateName accepts is its own canonical form.
func Canonical(name string) string {
	// A Caser has state, so each call makes one.
	return norm.NFC.String(cases.Lower(language.Und).String(norm.NFC.String(name)))
}

// ValidateName tells whether a name in canonical form can be the name of a user.
// It returns nil or an error wrapping ErrInvalidName that says why not and does
// not repeat the name. Beyond JupyterHub's rules (not empty, no slash, no space at
// the ends) it refuses what makes two names look like one or a path like another:
// control and invisible characters, compatibility forms (full-width letters,
// ligatures), "." and "..", and more than MaxNameLength bytes.
func ValidateName(name string) error {
	switch {
	case name == "":
		return invalid("it is empty")
	case len(name) > MaxNameLength:
		return invalid("it is longer than 255 bytes")
	case !utf8.ValidString(name):
		return invalid("it is not valid UTF-8")
	case strings.Contains(name, "/"):
		return invalid("it contains a slash")
	case name == "." || name == "..":
		return invalid("it would be a step in a path")
	case name != strings.TrimSpace(name):
		return invalid("it begins or ends with space")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return invalid("it contains an invisible character")
	case !norm.NFKC.IsNormalString(name):
		return invalid("it contains a compatibility form of another character")
	case Canonical(name) != name:
		return invalid("it is not in canonical form")
	}
	return nil
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalidName, why) }
