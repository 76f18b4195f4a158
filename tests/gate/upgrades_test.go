package gate_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// handshake is what a client sends to open a WebSocket.
var handshake = []string{
	"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// testUpgrades: nothing but a WebSocket becomes a tunnel past the gate, not even
// where the upstream agrees.
func testUpgrades(t *testing.T, h *hub) {
	target, token := "/user/alice/x?tunnel", byToken(h.aliceToken)
	for name, request := range map[string]string{
		"h2c":           h.head("GET", target, token, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
		"anything":      h.head("GET", target, token, "Connection: Upgrade", "Upgrade: anything"),
		"two protocols": h.head("GET", target, token, "Connection: Upgrade", "Upgrade: websocket, h2c", handshake[2], handshake[3]),
		"two headers":   h.head("GET", target, append([]string{token, "Upgrade: h2c"}, handshake...)...),
		"no Connection": h.head("GET", target, token, handshake[1], handshake[2], handshake[3]),
		"POST":          h.head("POST", target, append([]string{token, "Content-Length: 0"}, handshake...)...),
		"no key":        h.head("GET", target, token, handshake[0], handshake[1], handshake[2]),
		"bad key":       h.head("GET", target, token, handshake[0], handshake[1], handshake[2], "Sec-WebSocket-Key: short"),
		"old version":   h.head("GET", target, token, handshake[0], handshake[1], "Sec-WebSocket-Version: 8", handshake[3]),
		"no version":    h.head("GET", target, token, handshake[0], handshake[1], handshake[3]),
		"with a body":   h.head("GET", target, append([]string{token, "Content-Length: 4"}, handshake...)...) + "\r\nab",
		"CONNECT":       h.head("CONNECT", target, token),
	} {
		got := h.send(t, request+"\r\n")
		if got.StatusCode < 400 || got.forwarded() {
			t.Errorf("%s: %s", name, got)
		}
	}
	old := strings.Replace(h.head("GET", target, append([]string{token}, handshake...)...), "HTTP/1.1", "HTTP/1.0", 1)
	if got := h.send(t, old+"\r\n"); got.StatusCode < 400 || got.forwarded() {
		t.Errorf("HTTP/1.0: %s", got)
	}
}

// testWebSocketOrigin: any page may open a WebSocket with the visitor's cookies;
// a page of another origin gets nowhere.
func testWebSocketOrigin(t *testing.T, h *hub) {
	const path = "/user/alice/ws"
	cookie := byCookie(h.cookies(t, h.alice, path))
	port := h.URL[strings.LastIndex(h.URL, ":")+1:]
	for name, test := range map[string]struct {
		lines []string
		want  int
	}{
		"own":                      {[]string{"Origin: " + h.URL}, 101},
		"own, upper case":          {[]string{"Origin: HTTP://LOCALHOST:" + port}, 101},
		"own, same-origin":         {[]string{"Origin: " + h.URL, "Sec-Fetch-Site: same-origin"}, 101},
		"own, but cross-site":      {[]string{"Origin: " + h.URL, "Sec-Fetch-Site: cross-site"}, 403},
		"absent":                   {nil, 403},
		"empty":                    {[]string{"Origin: "}, 403},
		"null":                     {[]string{"Origin: null"}, 403},
		"foreign":                  {[]string{"Origin: https://evil.example.com"}, 403},
		"sub-domain":               {[]string{"Origin: http://evil.localhost:" + port}, 403},
		"longer name":              {[]string{"Origin: http://localhost.evil.example.com:" + port}, 403},
		"longer port":              {[]string{"Origin: " + h.URL + "0"}, 403},
		"no port":                  {[]string{"Origin: http://localhost"}, 403},
		"other scheme":             {[]string{"Origin: https://localhost:" + port}, 403},
		"user in it":               {[]string{"Origin: http://localhost:" + port + "@evil.example.com"}, 403},
		"path":                     {[]string{"Origin: " + h.URL + "/"}, 403},
		"two":                      {[]string{"Origin: " + h.URL, "Origin: https://evil.example.com"}, 403},
		"foreign, own in Referer":  {[]string{"Origin: https://evil.example.com", "Referer: " + h.URL + "/user/alice/"}, 403},
		"foreign, own in the Host": {[]string{"Origin: https://evil.example.com", "X-Forwarded-Host: evil.example.com"}, 403},
	} {
		got := h.get(t, path, append(append([]string{cookie}, handshake...), test.lines...)...)
		if got.StatusCode != test.want {
			t.Errorf("%s: %s", name, got)
		}
		if test.want == http.StatusForbidden {
			wantJSON(t, name, got, test.want)
		}
	}
}

// testWebSocketByToken: whoever has a token is no browser that was tricked.
func testWebSocketByToken(t *testing.T, h *hub) {
	for name, origin := range map[string]string{"none": "X-None: x", "foreign": "Origin: https://evil.example.com", "null": "Origin: null"} {
		if got := h.get(t, "/user/alice/ws", append([]string{byToken(h.aliceToken), origin}, handshake...)...); got.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, line := range map[string]string{"no credentials": "X-None: x", "wrong token": byToken("wrong")} {
		wantJSON(t, name, h.get(t, "/user/alice/ws", append([]string{line, "Origin: " + h.URL}, handshake...)...), http.StatusUnauthorized)
	}
	wantJSON(t, "another user", h.get(t, "/user/alice/ws", append([]string{byToken(h.bobToken)}, handshake...)...), http.StatusForbidden)

	socket, _, err := h.API(h.aliceToken).WebSocket("/user/alice/ws")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := socket.Read(t.Context()); err != nil || string(message) != "hello" {
		t.Errorf("echo: %q, %v", message, err)
	}
}

// wantJSON: whoever is no person gets a status and JSON, never a page.
func wantJSON(t *testing.T, name string, got answer, status int) {
	t.Helper()
	var body struct {
		Status   int    `json:"status"`
		Message  string `json:"message"`
		LoginURL string `json:"login_url"`
	}
	if got.StatusCode != status || got.forwarded() || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: want %d in JSON: %s", name, status, got)
		return
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Status != status || body.Message == "" {
		t.Errorf("%s: %v in %s", name, err, got)
	}
	if (status == http.StatusUnauthorized || status == http.StatusForbidden) && body.LoginURL != "/hub/login" {
		t.Errorf("%s: login_url %q", name, body.LoginURL)
	}
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Cache-Control %q", name, got.Header.Get("Cache-Control"))
	}
}
