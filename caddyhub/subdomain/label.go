package subdomain

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/net/idna"
)

const (
	// stubLength is how much of a name can be read in a label that is a hash.
	stubLength = 8
	// hashLength is how many hexadecimal digits of the hash are in a label.
	// JupyterHub has 7: whoever can choose a name finds in a second another one
	// with the same label.
	hashLength = 32

	serviceSuffix = "--service"
)

// userLabel is the label of a user's host: the name itself if it is one, else its
// form in the DNS (RFC 5891) if it has one, else a hash. Labels of the three kinds
// are never equal: the first have no "--", the second begin with "xn--", the third
// with "u-". (JupyterHub's hook "idna".)
func userLabel(name string) string {
	if plainLabel(name, maxLabel) {
		return name
	}
	if label, ok := encoded(name); ok {
		return label
	}
	return hashedLabel(name)
}

// serviceLabel is the label of a service's host. It ends as no user's does that a
// name could be chosen for. What is appended to an encoded name would be no
// encoded name, and browsers refuse it.
func serviceLabel(name string) string {
	if !plainLabel(name, maxLabel-len(serviceSuffix)) {
		name = hashedLabel(name)
	}
	return name + serviceSuffix
}

// plainLabel tells whether a name can be a label as it stands. Capitals cannot:
// hosts have no case, and "Ada" is another user than "ada".
func plainLabel(name string, longest int) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"
	return name != "" && len(name) <= longest && strings.Trim(name, digits+letters+"-") == "" &&
		strings.Trim(name, digits) != "" && !strings.Contains(name, "--") &&
		name[0] != '-' && name[len(name)-1] != '-'
}

// encoded is the form of a name in the DNS, if it has exactly one.
func encoded(name string) (label string, ok bool) {
	label, err := idna.Registration.ToASCII(name)
	if err != nil || !strings.HasPrefix(label, "xn--") || len(label) > maxLabel || strings.Contains(label, ".") ||
		strings.Contains(name, "--") {
		return "", false
	}
	back, err := idna.Registration.ToUnicode(label)
	return label, err == nil && back == name
}

func hashedLabel(name string) string {
	stub := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(name))
	if stub == "" {
		// The third and fourth place of a label must not be "--" (RFC 5891, 4.2.3.1).
		stub = "x"
	}
	sum := sha256.Sum256([]byte(name))
	return "u-" + stub[:min(len(stub), stubLength)] + "--" + hex.EncodeToString(sum[:])[:hashLength]
}

// nameOf is the name behind the label of a user, as far as that can be told: it
// cannot from a hash.
func nameOf(label string) (name string, ok bool) {
	name = label
	if strings.HasPrefix(label, "xn--") {
		var err error
		if name, err = idna.Registration.ToUnicode(label); err != nil {
			return "", false
		}
	}
	return name, userLabel(name) == label
}
