package subdomain

import (
	"net/netip"
	"strconv"
	"strings"
)

// Limits of names in the DNS (RFC 1035, 2.3.4), in bytes.
const (
	maxName  = 253
	maxLabel = 63
)

// Canonical reads the host of a request or of a URL, "Ada.Hub.example.org:443",
// and writes it as browsers do: lower case, without the default port of https, or
// of http if secure is false. ok is false for what a browser would not send or
// could take for another host: user and password, a trailing dot, percent
// escapes, letters beyond ASCII, ports that are not plain numbers.
func Canonical(text string, secure bool) (host string, ok bool) {
	name, port, found := cutPort(text)
	if !found && port != "" || !validName(name) {
		return "", false
	}
	name = strings.ToLower(name)
	if !found {
		return name, true
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || strconv.FormatUint(number, 10) != port {
		return "", false
	}
	if secure && number == 443 || !secure && number == 80 {
		return name, true
	}
	return name + ":" + port, true
}

// cutPort parts a host from its port; found says that there is a colon before
// one. A port without a colon is what follows a closing bracket.
func cutPort(text string) (name, port string, found bool) {
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']') + 1
		port, found = strings.CutPrefix(text[end:], ":")
		return text[:end], port, found
	}
	return strings.Cut(text, ":")
}

// validName tells whether a text is a name in the DNS, or an address.
func validName(name string) bool {
	if address, bracketed := strings.CutPrefix(name, "["); bracketed {
		address, err := netip.ParseAddr(strings.TrimSuffix(address, "]"))
		return err == nil && strings.HasSuffix(name, "]") && address.Is6() && address.Zone() == ""
	}
	if name == "" || len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || strings.Trim(label, labelLetters) != "" {
			return false
		}
	}
	return true
}

// labelLetters are those of host names, and the underscore, which some networks
// have in theirs.
const labelLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
