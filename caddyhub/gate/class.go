package gate

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"strings"
)

// Kind is what a request is to the one who sent it.
type Kind int

const (
	// KindAPI is what a program sent and a program will read: fetch, XHR, a
	// sub-resource, a REST client. The zero Kind, since it is never redirected.
	KindAPI Kind = iota
	// KindNavigation is a page that a person is waiting for.
	KindNavigation
	// KindWebSocket is the opening of a WebSocket over HTTP/1.1, 2 or 3.
	KindWebSocket
)

// Class is what Classify found out about a request.
type Class struct {
	Kind Kind
	// PrefersJSON: the client ranks application/json above text/html, or a segment
	// of the path is "api" (JupyterHub, section 6.1).
	PrefersJSON bool
	// StrayUpgrade: there is an Upgrade header, a :protocol or a CONNECT, that opens
	// no WebSocket. Forwarded, the upstream could turn the connection into a tunnel
	// past every further decision: refuse it or remove it (StripUpgrade).
	StrayUpgrade bool
	// ServiceWorker: the browser fetches the script of a service worker. A page
	// cannot leave out the header that says so (Service Workers, "Service-Worker").
	ServiceWorker bool
}

// Classify says what a request is: by its shape if it opens a WebSocket, by
// Sec-Fetch-Mode if a browser set it, else by X-Requested-With, Authorization,
// the path and Accept. A client that accepts anything and asks for a page of no
// API is taken for a person's, as JupyterHub does.
func Classify(r *http.Request, path Path) Class {
	if IsWebSocket(r) {
		return Class{Kind: KindWebSocket, PrefersJSON: true}
	}
	api := path.HasSegment("api")
	html, json, open := acceptQuality(r.Header["Accept"])
	return Class{
		Kind:          kindOf(r, api, html, json, open),
		PrefersJSON:   api || json > html,
		StrayUpgrade:  len(r.Header["Upgrade"]) > 0 || len(r.Header[":protocol"]) > 0 || r.Method == http.MethodConnect,
		ServiceWorker: len(r.Header["Service-Worker"]) > 0,
	}
}

func kindOf(r *http.Request, api bool, html, json float32, open bool) Kind {
	switch mode := r.Header.Get("Sec-Fetch-Mode"); {
	case mode == "navigate":
		return KindNavigation
	case mode != "":
		return KindAPI
	case api, json > html, r.Header.Get("X-Requested-With") != "", hasToken(r.Header):
		return KindAPI
	case html > 0:
		return KindNavigation
	case open && isSafe(r.Method):
		return KindNavigation
	}
	return KindAPI
}

// IsWebSocket tells whether a request opens a WebSocket and nothing else: GET
// with Upgrade (RFC 6455, section 4.2.1), or extended CONNECT over HTTP/2
// (RFC 8441) or HTTP/3 (RFC 9220).
func IsWebSocket(r *http.Request) bool {
	if r.Method == http.MethodConnect {
		switch r.ProtoMajor {
		case 2:
			protocol := r.Header[":protocol"]
			return len(protocol) == 1 && protocol[0] == "websocket" && version13(r.Header)
		case 3:
			return r.Proto == "websocket" && version13(r.Header)
		}
		return false
	}
	upgrade, key := r.Header["Upgrade"], r.Header["Sec-Websocket-Key"]
	if r.Method != http.MethodGet || r.ProtoMajor != 1 || r.ProtoMinor < 1 || len(upgrade) != 1 || len(key) != 1 {
		return false
	}
	nonce, err := base64.StdEncoding.DecodeString(key[0])
	return err == nil && len(nonce) == 16 && strings.EqualFold(upgrade[0], "websocket") &&
		listsToken(r.Header["Connection"], "upgrade") && version13(r.Header) &&
		r.ContentLength == 0 && len(r.TransferEncoding) == 0
}

// StripUpgrade takes from a request what asks for a change of protocol.
func StripUpgrade(h http.Header) {
	delete(h, "Upgrade")
	delete(h, "Http2-Settings")
	pruneConnection(h, func(token string) bool { return !strings.EqualFold(token, "upgrade") })
}

func version13(h http.Header) bool {
	version := h["Sec-Websocket-Version"]
	return len(version) == 1 && version[0] == "13"
}

// listsToken tells whether a comma-separated header field contains a token.
func listsToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}

// isSafe tells whether a method only reads, in the sense of section 4.3.
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
