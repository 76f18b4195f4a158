package hubproxy

import (
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/proxy"
)

// forwarded are the fields that tell an upstream who spoke to Caddy, and how, as
// reverse_proxy sets them: from the connection, or, behind a proxy that Caddy
// trusts, also from what that says.
func forwarded(r *http.Request, fields []proxy.Field) []proxy.Field {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil && (r.RemoteAddr != "@" || !trusted) {
		// A peer without an address that nobody vouches for.
		return append(fields, proxy.Field{Name: "X-Forwarded-For"}, proxy.Field{Name: "X-Forwarded-Proto"}, proxy.Field{Name: "X-Forwarded-Host"})
	}
	peer, _, _ = strings.Cut(peer, "%")
	proto, host := "http", r.Host
	if r.TLS != nil {
		proto = "https"
	}
	if trusted {
		peer = strings.Trim(strings.Join(r.Header["X-Forwarded-For"], ", ")+", "+peer, ", ")
		proto = last(r.Header["X-Forwarded-Proto"], proto)
		host = last(r.Header["X-Forwarded-Host"], host)
	}
	fields = append(fields,
		proxy.Field{Name: "X-Forwarded-For", Value: peer},
		proxy.Field{Name: "X-Forwarded-Proto", Value: proto},
		proxy.Field{Name: "X-Forwarded-Host", Value: host})
	if r.TLS != nil && !r.TLS.HandshakeComplete {
		// RFC 8470, 5.1: what came before the end of the handshake may be a replay.
		fields = append(fields, proxy.Field{Name: "Early-Data", Value: "1"})
	}
	return fields
}

func last(values []string, otherwise string) string {
	if n := len(values); n > 0 && values[n-1] != "" {
		return values[n-1]
	}
	return otherwise
}
