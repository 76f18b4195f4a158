package route

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Target is an upstream: "http://host:port", "https://host:port", "h2c://host:port"
// for HTTP/2 without TLS, or a Unix socket, "http+unix://%2Frun%2Fsocket". One that came through the API of
// configurable-http-proxy may have a path and a query as well, which go before
// those of a request. Targets are comparable. The zero Target is invalid; use
// ParseTarget or ParseTargetURL.
type Target struct {
	// text is "SCHEME://HOST:PORT", an IPv6 address in brackets, or
	// "http+unix://SOCKET|" with the path of the socket as it is; behind either the
	// path with its query, percent-encoded. Everything else is a piece of it: a route
	// costs one string, and asking for a piece allocates nothing.
	text string
}

// socketEnd stands behind the path of a socket, which cannot contain it.
const socketEnd = "|"

// ParseTarget reads an origin. Without a port it is 80 or 443. Anything beyond
// the origin is ErrInvalid: a user, a path other than "/", a query, a fragment,
// an IPv6 zone, a socket; so is a host that is neither an IP address nor a DNS
// name, and with it every brace, space and control character; and so is an address
// of IsMetadata.
func ParseTarget(text string) (Target, error) {
	scheme, rest, found := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !found || (scheme != "http" && scheme != "https" && scheme != "h2c") {
		return refuseTarget("want http://host:port, https://host:port or h2c://host:port")
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/?#") {
		return refuseTarget("a path, query or fragment after the port")
	}
	return parseOrigin(scheme, rest)
}

func parseOrigin(scheme, authority string) (Target, error) {
	if strings.Contains(authority, "@") {
		return refuseTarget("a user before the host")
	}
	host, port, err := splitPort(authority, scheme)
	if err != nil {
		return refuseTarget(err.Error())
	}
	if !validHost(host) {
		return refuseTarget("the host is neither an IP address nor a DNS name")
	}
	if address, err := netip.ParseAddr(host); err == nil && IsMetadata(address) {
		return refuseTarget("the address is one at which a cloud tells machines their credentials")
	}
	return Target{scheme + "://" + net.JoinHostPort(strings.ToLower(host), strconv.Itoa(int(port)))}, nil
}

// refuseTarget does not quote the text: it may carry a password where a user must
// not be.
func refuseTarget(why string) (Target, error) {
	return Target{}, fmt.Errorf("%w: target: %s", ErrInvalid, why)
}

// Scheme is the protocol spoken, "http", "https" or "h2c".
func (t Target) Scheme() string {
	scheme, _, _ := strings.Cut(t.text, "://")
	return strings.TrimSuffix(scheme, unixSuffix)
}

// Host is the name or address without port and without brackets; empty for a
// socket.
func (t Target) Host() string {
	if t.isSocket() {
		return ""
	}
	host, _ := cutPort(t.Address())
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// Port is 1 to 65535, or 0 for a socket.
func (t Target) Port() uint16 {
	if t.isSocket() {
		return 0
	}
	_, port := cutPort(t.Address())
	number, _ := strconv.ParseUint(port, 10, 16) // was one when the target was made
	return uint16(number)
}

// Socket is the path of the Unix socket; empty if the target is not one.
func (t Target) Socket() string {
	if t.isSocket() {
		return t.Address()
	}
	return ""
}

// Network is "tcp" or "unix": with Address, what a dialer takes.
func (t Target) Network() string {
	if t.isSocket() {
		return "unix"
	}
	return "tcp"
}

// Address is "host:port", an IPv6 address in brackets, or the path of the socket.
func (t Target) Address() string {
	begin, end := t.address()
	return t.text[begin:end]
}

// address is where the address begins and ends in the text.
func (t Target) address() (begin, end int) {
	begin = strings.Index(t.text, "://")
	if begin < 0 {
		return 0, 0
	}
	begin += len("://")
	ends := "/?"
	if t.isSocket() {
		ends = socketEnd
	}
	if i := strings.IndexAny(t.text[begin:], ends); i >= 0 {
		return begin, begin + i
	}
	return begin, len(t.text)
}

func (t Target) isSocket() bool { return strings.HasPrefix(t.text, "http"+unixSuffix) }

// Authority is the Host that the upstream goes by: without the port where the
// scheme has it for a default, "localhost" for a socket.
func (t Target) Authority() string {
	switch {
	case t.isSocket():
		return "localhost"
	case t.Port() != defaultPort(t.Scheme()):
		return t.Address()
	}
	host, _ := cutPort(t.Address())
	return host
}

// Path goes before that of a request: percent-encoded, empty if there is none.
func (t Target) Path() string {
	path, _, _ := strings.Cut(t.behind(), "?")
	return path
}

// Query goes before that of a request, without the question mark.
func (t Target) Query() string {
	_, query, _ := strings.Cut(t.behind(), "?")
	return query
}

// behind is the path with its query.
func (t Target) behind() string { return t.text[len(t.Origin().text):] }

// Origin is the target without path and query.
func (t Target) Origin() Target {
	_, end := t.address()
	if t.isSocket() {
		end += len(socketEnd)
	}
	return Target{t.text[:end]}
}

// String is the target as ParseTargetURL reads it back.
func (t Target) String() string {
	if t.isSocket() {
		return "http" + unixSuffix + "://" + escapeSocket(t.Socket()) + t.behind()
	}
	return t.text
}

// IsZero tells whether this is no target at all.
func (t Target) IsZero() bool { return t.text == "" }

// MarshalText writes the target.
func (t Target) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, fmt.Errorf("%w: an empty target", ErrInvalid)
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads a target as ParseTargetURL does.
func (t *Target) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTargetURL(string(text))
	return err
}

func splitPort(authority, scheme string) (host string, port uint16, err error) {
	number := ""
	if inner, bracketed := strings.CutPrefix(authority, "["); bracketed {
		address, after, closed := strings.Cut(inner, "]")
		if !closed || !strings.Contains(address, ":") {
			return "", 0, fmt.Errorf("brackets around something other than an IPv6 address")
		}
		if after == "" {
			return address, defaultPort(scheme), nil
		}
		if after[0] != ':' {
			return "", 0, fmt.Errorf("something other than a port after the address")
		}
		host, number = address, after[1:]
	} else {
		var found bool
		if host, number, found = strings.Cut(authority, ":"); !found {
			return host, defaultPort(scheme), nil
		}
	}
	value, err := strconv.ParseUint(number, 10, 16)
	if err != nil || value == 0 || number[0] == '+' {
		return "", 0, fmt.Errorf("the port is not a number from 1 to 65535")
	}
	return host, uint16(value), nil
}

// cutPort cuts an address at the last colon.
func cutPort(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return address, ""
	}
	return address[:i], address[i+1:]
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// validHost accepts IP addresses without a zone and DNS names; an underscore is
// common in container networks and harmless.
func validHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Zone() == ""
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !plain(c) || c == '~' || c == '@' {
				return false
			}
		}
	}
	return true
}
