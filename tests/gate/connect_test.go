package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestExtendedConnect: a WebSocket that is opened over HTTP/2 or 3 (RFC 8441, RFC
// 9220) is decided about like any other.
func TestExtendedConnect(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{HTTPS: true})
	cookies := field{"cookie", h.cookies(t, h.alice, "/user/alice/ws")}
	own, foreign := field{"origin", h.URL}, field{"origin", "https://evil.example.com"}
	for name, test := range map[string]struct {
		fields []field
		want   int
	}{
		"nobody":                       {[]field{own}, http.StatusUnauthorized},
		"wrong token":                  {[]field{own, {"authorization", "token wrong"}}, http.StatusUnauthorized},
		"token":                        {[]field{{"authorization", "token " + h.aliceToken}}, http.StatusOK},
		"another's token":              {[]field{{"authorization", "token " + h.bobToken}}, http.StatusForbidden},
		"cookie":                       {[]field{own, cookies}, http.StatusOK},
		"cookie, foreign origin":       {[]field{foreign, cookies}, http.StatusForbidden},
		"cookie, no origin":            {[]field{cookies}, http.StatusForbidden},
		"cookie, but cross-site":       {[]field{own, cookies, {"sec-fetch-site", "cross-site"}}, http.StatusForbidden},
		"token, but of another scheme": {[]field{own, {"authorization", "basic " + h.aliceToken}}, http.StatusUnauthorized},
	} {
		request := hostile{method: http.MethodConnect, exactly: append([]field{
			{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"},
			{":authority", strings.TrimPrefix(h.URL, "https://")}, {":path", "/user/alice/ws"}, {"sec-websocket-version", "13"},
		}, test.fields...)}
		for _, over := range protocols[1:] {
			got, err := over.send(t, h, request)
			switch {
			case test.want == http.StatusOK && got.StatusCode == http.StatusOK: // the stream ended with the request
			case err != nil || got.StatusCode != test.want || got.forwarded():
				t.Errorf("%s, %s: %v %v, want %d", over.name, name, got, err, test.want)
			}
		}
	}
}
