package edge

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
)

// essence is what the decision about a WebSocket hangs on. It is all that is left
// of the request while the socket is open.
type essence struct {
	target, host string
	// fields are those that credentials and origin are read from.
	fields []proxy.Field
	secure bool
	rules  Rules
}

// material are the fields that matter, beside those that make a request one for a
// WebSocket.
var material = []string{"Authorization", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "X-Xsrftoken", "X-Csrftoken"}

// essenceOf takes what matters from a request for a WebSocket. Of its cookies that
// is those of the edge.
func (e *Edge) essenceOf(r *http.Request, v *visit) *essence {
	kept := &essence{target: asSent(r), host: r.Host, secure: r.TLS != nil, rules: v.rules}
	for _, name := range material {
		for _, value := range r.Header[name] {
			kept.fields = append(kept.fields, proxy.Field{Name: name, Value: value})
		}
	}
	ours := e.options.Browser.ReservedCookies()
	if v.rules.TokenInURL == TokenInURLPersist {
		ours = append(ours, e.options.Browser.GrantCookie(r, e.prefix(v)))
	}
	var cookies []string
	for _, cookie := range r.Cookies() {
		if cookie.Name == browser.XSRFCookie || slices.Contains(ours, cookie.Name) {
			cookies = append(cookies, cookie.Name+"="+cookie.Value)
		}
	}
	if len(cookies) > 0 {
		kept.fields = append(kept.fields, proxy.Field{Name: "Cookie", Value: strings.Join(cookies, "; ")})
	}
	kept.fields = slices.Clip(kept.fields)
	return kept
}

// request is one that is decided about as the original would be now.
func (s *essence) request(ctx context.Context) (*http.Request, error) {
	address, err := url.ParseRequestURI(s.target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: http.MethodGet, URL: address, RequestURI: s.target, Host: s.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		},
	}
	if s.secure {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	for _, field := range s.fields {
		r.Header[field.Name] = append(r.Header[field.Name], field.Value)
	}
	return r.WithContext(ctx), nil
}
