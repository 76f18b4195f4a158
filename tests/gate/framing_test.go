package gate_test

import (
	"strings"
	"testing"
)

// testFraming holds the server below to how it reads requests whose end, host or
// header lines can be read in two ways. Two of these are accepted; the upstream
// must then see one reading alone.
func testFraming(t *testing.T, h *hub) {
	token := byToken(h.aliceToken)
	post := func(body string, lines ...string) string {
		return h.head("POST", "/user/alice/x", append([]string{token, "Connection: close"}, lines...)...) + "\r\n" + body
	}
	host := strings.TrimPrefix(h.URL, "http://")
	for name, raw := range map[string]string{
		"unknown coding":         post("0\r\n\r\n", "Transfer-Encoding: xchunked"),
		"chunked twice":          post("0\r\n\r\n", "Transfer-Encoding: chunked, chunked"),
		"two codings":            post("0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
		"two lengths":            post("ab", "Content-Length: 1", "Content-Length: 2"),
		"negative length":        post("", "Content-Length: -1"),
		"length with a sign":     post("ab", "Content-Length: +2"),
		"length of words":        post("ab", "Content-Length: two"),
		"two hosts":              post("", "Host: evil.example.com", "Content-Length: 0"),
		"space before the colon": post("ab", "Content-Length : 2"),
		"name with a space":      post("", "X Y: z", "Content-Length: 0"),
		"no host":                "GET /user/alice/x HTTP/1.1\r\n" + token + "\r\n\r\n",
		"NUL in a value":         post("", "X-A: a\x00b", "Content-Length: 0"),
		"CR in a value":          post("", "X-A: a\rb", "Content-Length: 0"),
		"space in the target":    "GET /user/alice/x y HTTP/1.1\r\nHost: " + host + "\r\n" + token + "\r\n\r\n",
		"method with a slash":    "GE/T /user/alice/x HTTP/1.1\r\nHost: " + host + "\r\n" + token + "\r\n\r\n",
		"HTTP/1.1 in lower case": "GET /user/alice/x http/1.1\r\nHost: " + host + "\r\n" + token + "\r\n\r\n",
		"HTTP/3.0 in the line":   "GET /user/alice/x HTTP/3.0\r\nHost: " + host + "\r\n" + token + "\r\n\r\n",
		"20 KiB of cookies":      h.head("GET", "/user/alice/x", token, "Cookie: a="+strings.Repeat("x", 20<<10)) + "\r\n",
	} {
		if got := h.send(t, raw); got.StatusCode < 400 || got.forwarded() {
			t.Errorf("%s: %s", name, got)
		}
	}

	both := h.send(t, post("3\r\nabc\r\n0\r\n\r\n", "Content-Length: 4", "Transfer-Encoding: chunked"))
	if both.StatusCode < 400 {
		if seen := both.request(t); seen.Body != "abc" || seen.Length != -1 || len(seen.Encoding) != 1 {
			t.Errorf("length and chunked: upstream read %+v", seen)
		}
	}
	folded := h.get(t, "/user/alice/x", token, "X-A: a\r\n b")
	if folded.StatusCode < 400 {
		if seen := folded.request(t).Header.Get("X-A"); seen != "a b" {
			t.Errorf("folded line: upstream read %q", seen)
		}
	}
	trailer := h.send(t, post("3\r\nabc\r\n0\r\nX-Forwarded-User: mallory\r\nAuthorization: token x\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Forwarded-User"))
	if strings.Contains(string(trailer.body), "mallory") {
		t.Errorf("an identity came by a trailer: %s", trailer)
	}
}
