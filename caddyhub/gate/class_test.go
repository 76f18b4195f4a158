package gate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// request builds a request from a request line like "GET /path" and header lines
// like "Accept: text/html".
func request(line string, headers ...string) *http.Request {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if strings.HasPrefix(name, ":") {
			r.Header[name] = []string{value}
		} else {
			r.Header.Add(name, value)
		}
	}
	return r
}

const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

// upgrade is what a browser sends to open a WebSocket.
var upgrade = []string{"Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key}

func TestClassify(t *testing.T) {
	const firefox = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	navigation, api := Class{Kind: KindNavigation}, Class{Kind: KindAPI}
	jsonAPI := Class{Kind: KindAPI, PrefersJSON: true}
	for name, test := range map[string]struct {
		line    string
		headers []string
		want    Class
	}{
		"browser navigates":          {"GET /user/a/lab", []string{"Sec-Fetch-Mode: navigate", firefox}, navigation},
		"browser navigates to API":   {"GET /user/a/api/status", []string{"Sec-Fetch-Mode: navigate", firefox}, Class{Kind: KindNavigation, PrefersJSON: true}},
		"browser posts a form":       {"POST /hub/spawn", []string{"Sec-Fetch-Mode: navigate", firefox}, navigation},
		"fetch":                      {"GET /user/a/lab", []string{"Sec-Fetch-Mode: cors", firefox}, api},
		"sub-resource":               {"GET /user/a/x.png", []string{"Sec-Fetch-Mode: no-cors", "Accept: image/*"}, api},
		"claims to be a WebSocket":   {"GET /user/a/lab", []string{"Sec-Fetch-Mode: websocket", firefox}, api},
		"old browser navigates":      {"GET /user/a/lab", []string{firefox}, navigation},
		"old browser posts a form":   {"POST /user/a/lab", []string{firefox}, navigation},
		"old browser, jQuery":        {"GET /user/a/lab", []string{firefox, "X-Requested-With: XMLHttpRequest"}, api},
		"old browser, image":         {"GET /user/a/x", []string{"Accept: image/webp,*/*"}, api},
		"EventSource":                {"GET /user/a/x", []string{"Accept: text/event-stream"}, api},
		"curl":                       {"GET /user/a/lab", []string{"Accept: */*"}, navigation},
		"curl -X POST":               {"POST /user/a/lab", []string{"Accept: */*"}, api},
		"no Accept":                  {"HEAD /user/a/lab", nil, navigation},
		"curl with a token":          {"GET /user/a/lab", []string{"Accept: */*", "Authorization: token abc"}, api},
		"curl with a password":       {"GET /user/a/lab", []string{"Accept: */*", "Authorization: Basic abc"}, navigation},
		"curl to an API":             {"GET /user/a/api/contents", []string{"Accept: */*"}, jsonAPI},
		"a name that contains api":   {"GET /user/apiary/lab", []string{"Accept: */*"}, navigation},
		"wants JSON":                 {"GET /user/a/lab", []string{"Accept: application/json"}, jsonAPI},
		"wants JSON more":            {"GET /user/a/lab", []string{"Accept: text/html;q=0.5, application/json"}, jsonAPI},
		"wants JSON less":            {"GET /user/a/lab", []string{"Accept: text/html, application/json; q=0.9"}, navigation},
		"refuses HTML":               {"GET /user/a/lab", []string{"Accept: text/html;q=0, image/png"}, api},
		"two Accept headers":         {"GET /user/a/lab", []string{"Accept: application/json;q=0.1", "Accept: text/html"}, navigation},
		"tunnel to another protocol": {"GET /user/a/lab", []string{"Accept: */*", "Connection: upgrade", "Upgrade: h2c"}, Class{Kind: KindNavigation, StrayUpgrade: true}},
		"websocket by POST":          {"POST /user/a/api/x", upgrade, Class{Kind: KindAPI, PrefersJSON: true, StrayUpgrade: true}},
		"websocket":                  {"GET /user/a/lab", upgrade, Class{Kind: KindWebSocket, PrefersJSON: true}},
	} {
		r := request(test.line, test.headers...)
		path, err := Canonical(r, "/")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, Classify(r, path)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// RFC 8441, 4: with any other method it is malformed, and Go lets it pass.
	r := request("GET /user/a/lab", "Accept: */*")
	r.Header[":protocol"] = []string{"websocket"}
	if !Classify(r, Path{}).StrayUpgrade {
		t.Error("a :protocol without CONNECT is nothing special")
	}
}

func TestIsWebSocket(t *testing.T) {
	version := "Sec-WebSocket-Version: 13"
	h1 := func(method string, headers ...string) *http.Request { return request(method+" /", headers...) }
	connect := func(major int, proto string, headers ...string) *http.Request {
		r := request("GET /", headers...)
		r.Method, r.ProtoMajor, r.ProtoMinor, r.Proto = http.MethodConnect, major, 0, proto
		return r
	}
	body := h1("GET", upgrade...)
	body.ContentLength = 5
	chunked := h1("GET", upgrade...)
	chunked.TransferEncoding = []string{"chunked"}
	http10 := h1("GET", upgrade...)
	http10.ProtoMinor = 0
	for name, test := range map[string]struct {
		r    *http.Request
		want bool
	}{
		"h1":                     {h1("GET", upgrade...), true},
		"h1, other case":         {h1("GET", "Connection: UPGRADE", "Upgrade: WebSocket", version, key), true},
		"h1, POST":               {h1("POST", upgrade...), false},
		"h1, HTTP/1.0":           {http10, false},
		"h1, with a body":        {body, false},
		"h1, chunked":            {chunked, false},
		"h1, no Connection":      {h1("GET", "Upgrade: websocket", version, key), false},
		"h1, no key":             {h1("GET", "Connection: upgrade", "Upgrade: websocket", version), false},
		"h1, short key":          {h1("GET", "Connection: upgrade", "Upgrade: websocket", version, "Sec-WebSocket-Key: YWJj"), false},
		"h1, two keys":           {h1("GET", append(upgrade[:4:4], key)...), false},
		"h1, old version":        {h1("GET", "Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", key), false},
		"h1, two protocols":      {h1("GET", "Connection: upgrade", "Upgrade: websocket, h2c", version, key), false},
		"h1, two Upgrade fields": {h1("GET", append(upgrade[:4:4], "Upgrade: h2c")...), false},
		"h2":                     {connect(2, "HTTP/2.0", ":protocol: websocket", version), true},
		"h2, other protocol":     {connect(2, "HTTP/2.0", ":protocol: connect-udp", version), false},
		"h2, plain CONNECT":      {connect(2, "HTTP/2.0"), false},
		"h2, upgrade headers":    {func() *http.Request { r := h1("GET", upgrade...); r.ProtoMajor, r.ProtoMinor = 2, 0; return r }(), false},
		"h3":                     {connect(3, "websocket", version), true},
		"h3, other protocol":     {connect(3, "webtransport", version), false},
		"h1 CONNECT":             {connect(1, "HTTP/1.1", ":protocol: websocket", version), false},
	} {
		if got := IsWebSocket(test.r); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestStripUpgrade(t *testing.T) {
	r := request("GET /", "Connection: keep-alive, Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x")
	StripUpgrade(r.Header)
	want := http.Header{"Connection": {"keep-alive, HTTP2-Settings"}}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Error(diff)
	}
}
