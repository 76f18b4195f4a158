package gate_test

import (
	"net/http"
	"strings"
)

func hostileMethods() []hostile {
	var list []hostile
	for _, method := range []string{"OPTIONS", "TRACE", "PATCH", "PROPFIND", "FROBNICATE", "get", "Get", "GE T", "GET\t", "GET\r\nX-Forwarded-User: mallory", "G:ET", "", strings.Repeat("A", 70_000)} {
		list = append(list, hostile{name: "method " + method[:min(20, len(method))], method: method, target: "/user/alice/x"},
			hostile{name: "method " + method[:min(20, len(method))] + " for bob", method: method, target: "/user/bob/x", refused: true})
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"} {
		list = append(list, hostile{name: name, method: http.MethodPost, target: "/user/alice/x", body: "x", fields: []field{{name, "GET"}}})
	}
	return list
}

func hostileHeaders() []hostile {
	var list []hostile
	add := func(name string, fields ...field) {
		list = append(list, hostile{name: name, method: http.MethodGet, target: "/user/alice/x", fields: fields})
	}
	for _, name := range append([]string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "X-Scheme", "Forwarded"}, identityHeaders...) {
		for _, spelling := range spellings(name) {
			add("header "+spelling, field{spelling, "mallory"})
		}
		add("header "+name+" twice", field{name, "x"}, field{name, "mallory"})
		add("header "+name+" with a space", field{name + " ", "mallory"})
		add("header "+name+" folded", field{"X-Other", "x\r\n " + name + ": mallory"})
		add("header "+name+" smuggled", field{"X-Other", "x\r\n" + name + ": mallory"})
		add("header "+name+" smuggled by LF", field{"X-Other", "x\n" + name + ": mallory"})
		add("header "+name+" in a name", field{"X-Other: x\r\n" + name, "mallory"})
		add("header "+name+" by Connection", field{"Connection", name + ", Authorization, X-Forwarded-For, X-Forwarded-Proto"})
	}
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Envoy-Original-Path", "X-Accel-Redirect"} {
		add("header "+name, field{name, "/user/bob/x"})
	}
	for name, fields := range map[string][]field{
		"two tokens":           {{"Authorization", "token mallory"}},
		"token with a comma":   {{"Authorization", "token mallory, token x"}},
		"Connection of h2":     {{"Connection", "keep-alive"}},
		"Keep-Alive":           {{"Keep-Alive", "timeout=5"}},
		"Proxy-Connection":     {{"Proxy-Connection", "Authorization"}},
		"Proxy-Authorization":  {{"Proxy-Authorization", "Basic bWFsbG9yeQ=="}},
		"TE":                   {{"TE", "trailers, chunked"}},
		"Upgrade h2c":          {{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"}},
		"Upgrade in pieces":    {{"Connection", "Upgrade"}, {"Upgrade", "web"}, {"Upgrade", "socket"}},
		"Upgrade anything":     {{"Connection", "Upgrade"}, {"Upgrade", "TLS/1.0"}},
		"NUL in a value":       {{"X-A", "a\x00b"}},
		"NUL in a name":        {{"X-\x00A", "a"}},
		"empty name":           {{"", "a"}},
		"colon in a name":      {{"a:b", "c"}},
		"session cookie":       {{"Cookie", "caddyhub-session=mallory; __Host-caddyhub-session=mallory"}},
		"session, two cookies": {{"Cookie", "__Host-caddyhub-session=mallory"}, {"Cookie", "caddyhub-session=mallory"}},
		"session without name": {{"Cookie", "=__Host-caddyhub-session=mallory"}},
		"20 KiB of cookies":    {{"Cookie", strings.Repeat("x", 20<<10)}},
		"200 fields":           manyFields(200),
		"Expect something":     {{"Expect", "200-ok"}},
		"Range of nonsense":    {{"Range", "bytes=--1,mallory"}},
	} {
		add(name, fields...)
	}
	return list
}

func manyFields(n int) []field {
	var fields []field
	for range n {
		fields = append(fields, field{"X-Many", strings.Repeat("x", 100)})
	}
	return fields
}

func hostileFraming() []hostile {
	var list []hostile
	add := func(name, body string, fields ...field) {
		list = append(list, hostile{name: "framing " + name, method: http.MethodPost, target: "/user/alice/x", body: body, fields: fields})
	}
	const inner = "GET /user/bob/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
	add("length too short", "ab"+inner, field{"Content-Length", "2"})
	add("length of nothing", inner, field{"Content-Length", "0"})
	add("length too long", "ab", field{"Content-Length", "2"}, field{"Content-Length", "3"})
	add("length twice", "ab", field{"Content-Length", "2"}, field{"Content-Length", "2"})
	add("length as a list", "ab", field{"Content-Length", "2, 2"})
	add("length with a sign", "ab", field{"Content-Length", "+2"})
	add("length in hex", "ab", field{"Content-Length", "0x2"})
	add("length of spaces", "ab", field{"Content-Length", "2 2"})
	add("length that is huge", "ab", field{"Content-Length", "99999999999999999999"})
	add("chunked and length", "0\r\n\r\n"+inner, field{"Transfer-Encoding", "chunked"}, field{"Content-Length", "5"})
	add("chunked in another case", "0\r\n\r\n"+inner, field{"Transfer-Encoding", "cHuNkEd"})
	add("chunked, spelled wrong", "0\r\n\r\n"+inner, field{"Transfer-Encoding", "xchunked"})
	add("chunked with a tab", "0\r\n\r\n"+inner, field{"Transfer-Encoding", "\tchunked"})
	add("chunked, then identity", "0\r\n\r\n"+inner, field{"Transfer-Encoding", "chunked"}, field{"Transfer-Encoding", "identity"})
	add("chunk of a wrong size", "fffffffffffffffff\r\n"+inner, field{"Transfer-Encoding", "chunked"})
	add("chunk with an extension", "2;a=\"\r\nab\r\n0\r\n\r\n", field{"Transfer-Encoding", "chunked"})
	add("trailer with an identity", "1\r\na\r\n0\r\nX-Forwarded-User: mallory\r\n\r\n", field{"Transfer-Encoding", "chunked"}, field{"Trailer", "X-Forwarded-User"})
	return list
}

// hostilePseudo are requests that only HTTP/2 and 3 can say: pseudo-headers that
// are missing, come twice, late, or contradict each other.
func hostilePseudo(site, token string) []hostile {
	method, scheme := field{":method", "GET"}, field{":scheme", "https"}
	authority, target := field{":authority", site}, field{":path", "/user/alice/x"}
	credentials := field{"authorization", "token " + token}
	var list []hostile
	add := func(name string, refused bool, fields ...field) {
		list = append(list, hostile{
			name: "pseudo " + name, method: "GET", target: "/user/alice/x", refused: refused, exactly: append(fields, credentials),
		})
	}
	add("none amiss", false, method, scheme, authority, target)
	add("two methods", true, method, field{":method", "POST"}, scheme, authority, target)
	add("two paths", true, method, scheme, authority, target, field{":path", "/user/bob/x"})
	add("two authorities", true, method, scheme, authority, field{":authority", "evil.example.com"}, target)
	add("two schemes", true, method, scheme, field{":scheme", "http"}, authority, target)
	add("no path", true, method, scheme, authority)
	add("no method", true, scheme, authority, target)
	add("empty path", true, method, scheme, authority, field{":path", ""})
	add("path without a slash", true, method, scheme, authority, field{":path", "user/alice/x"})
	add("path with a host", true, method, scheme, authority, field{":path", "https://evil.example.com/user/alice/x"})
	add("path with two slashes", true, method, scheme, authority, field{":path", "//evil.example.com/user/alice/x"})
	add("path of a star", true, method, scheme, authority, field{":path", "*"})
	add("path with a line", true, method, scheme, authority, field{":path", "/user/alice/x HTTP/1.1\r\nX-Forwarded-User: mallory"})
	add("path with a NUL", true, method, scheme, authority, field{":path", "/user/alice/x\x00"})
	add("authority elsewhere", true, method, scheme, field{":authority", "evil.example.com"}, target)
	add("authority with a user", true, method, scheme, field{":authority", "mallory@" + site}, target)
	add("authority with a path", true, method, scheme, field{":authority", site + "/user/bob"}, target)
	add("authority with a line", true, method, scheme, field{":authority", site + "\r\nX-Forwarded-User: mallory"}, target)
	add("unknown", true, method, scheme, authority, target, field{":user", "mallory"})
	add("after the others", true, method, scheme, authority, field{"x-a", "b"}, target)
	add("upper case", true, method, scheme, authority, target, field{"X-Forwarded-User", "mallory"})
	add("status", true, method, scheme, authority, target, field{":status", "200"})
	add("protocol without CONNECT", true, method, scheme, authority, target, field{":protocol", "websocket"})
	add("CONNECT for a tunnel", true, field{":method", "CONNECT"}, field{":authority", "127.0.0.1:22"})
	add("CONNECT with a path", true, field{":method", "CONNECT"}, scheme, authority, target)
	add("CONNECT for UDP", true, field{":method", "CONNECT"}, field{":protocol", "connect-udp"}, scheme, authority, target)
	add("CONNECT for h2c", true, field{":method", "CONNECT"}, field{":protocol", "h2c"}, scheme, authority, target)
	add("another Host", false, method, scheme, authority, target, field{"host", "evil.example.com"})
	return list
}
