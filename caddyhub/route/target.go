package route

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Target is the origin of an upstream, "http://host:port" or "https://host:port".
// Targets are comparable. The zero Target is invalid; use ParseTarget.
type Target struct {
	scheme string
	host   string
	port   uint16
}

// ParseTarget reads an origin. Without a port it is 80 or 443. Anything beyond
// the origin is ErrInvalid: a user, a path other than "/", a query, a fragment,
// an IPv6 zone; so is a host that is neither an IP address nor a DNS name, and
// with it every brace, space and control character.
func ParseTarget(text string) (Target, error) {
	refuse := func(why string) (Target, error) {
		// The text may carry a password where a user must not be: it is left out.
		return Target{}, fmt.Errorf("%w: target: %s", ErrInvalid, why)
	}
	scheme, rest, found := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !found || (scheme != "http" && scheme != "https") {
		return refuse("want http://host:port or https://host:port")
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/?#") {
		return refuse("a path, query or fragment after the port")
	}
	if strings.Contains(rest, "@") {
		return refuse("a user before the host")
	}
	host, port, err := splitPort(rest, scheme)
	if err != nil {
		return refuse(err.Error())
	}
	if !validHost(host) {
		return refuse("the host is neither an IP address nor a DNS name")
	}
	return Target{scheme: scheme, host: strings.ToLower(host), port: port}, nil
}

// Scheme is "http" or "https".
func (t Target) Scheme() string { return t.scheme }

// Host is the name or address without port and without brackets.
func (t Target) Host() string { return t.host }

// Port is 1 to 65535.
func (t Target) Port() uint16 { return t.port }

// Address is "host:port", an IPv6 address in brackets: what a dialer takes.
func (t Target) Address() string {
	return net.JoinHostPort(t.host, strconv.Itoa(int(t.port)))
}

// String is the origin; ParseTarget reads it back.
func (t Target) String() string {
	if t.IsZero() {
		return ""
	}
	return t.scheme + "://" + t.Address()
}

// IsZero tells whether this is no target at all.
func (t Target) IsZero() bool { return t.port == 0 }

// MarshalText writes the origin.
func (t Target) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, fmt.Errorf("%w: an empty target", ErrInvalid)
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads an origin as ParseTarget does.
func (t *Target) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTarget(string(text))
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
