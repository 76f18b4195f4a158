package direct

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/proxy"
)

// fields are what replaces header fields of the client: what says where the
// request came from, and the configured ones.
func (h *Handler) fields(r *http.Request) []proxy.Field {
	if h.options.OmitForwarded {
		return h.options.Header
	}
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if _, given, err := net.SplitHostPort(r.Host); err == nil && given != "" {
		port = given
	}
	peer := r.RemoteAddr
	if host, _, err := net.SplitHostPort(peer); err == nil {
		peer = host
	} else {
		peer = "" // a Unix socket has no address
	}
	host := r.Host
	if h.options.Trusted(r) {
		peer = join(r.Header.Values("X-Forwarded-For"), peer)
		scheme = first(r.Header.Values("X-Forwarded-Proto"), scheme)
		port = first(r.Header.Values("X-Forwarded-Port"), port)
		host = first(r.Header.Values("X-Forwarded-Host"), host)
	}
	fields := make([]proxy.Field, 0, 4+len(h.options.Header))
	fields = append(fields, h.options.Header...)
	for _, field := range [...]proxy.Field{
		{Name: "X-Forwarded-For", Value: peer},
		{Name: "X-Forwarded-Host", Value: host},
		{Name: "X-Forwarded-Port", Value: port},
		{Name: "X-Forwarded-Proto", Value: scheme},
	} {
		configured := func(c proxy.Field) bool { return c.Name == field.Name }
		if !slices.ContainsFunc(h.options.Header, configured) {
			fields = append(fields, field)
		}
	}
	return fields
}

// join appends a peer to those that were named before.
func join(before []string, peer string) string {
	list := strings.Join(before, ", ")
	switch {
	case list == "":
		return peer
	case peer == "":
		return list
	}
	return list + ", " + peer
}

// first is what a proxy in front has said, or ours if it said nothing.
func first(said []string, ours string) string {
	if value := strings.Join(said, ", "); value != "" {
		return value
	}
	return ours
}
