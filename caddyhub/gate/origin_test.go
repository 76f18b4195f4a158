package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	own := NewOrigins("https://hub.example.org", "http://localhost:8000", "https://[2001:db8::1]:8443/", "nonsense", "https://a:b", "https://[::1", "https://[1.2.3.4]", "https://[::1]x")
	for name, test := range map[string]struct {
		headers       []string
		same, foreign bool
	}{
		"own":                     {[]string{"Origin: https://hub.example.org"}, true, false},
		"own, default port":       {[]string{"Origin: https://hub.example.org:443"}, true, false},
		"own, other case":         {[]string{"Origin: https://HUB.example.org"}, true, false},
		"own, development":        {[]string{"Origin: http://localhost:8000"}, true, false},
		"own, confirmed":          {[]string{"Origin: https://hub.example.org", "Sec-Fetch-Site: same-origin"}, true, false},
		"own, contradicted":       {[]string{"Origin: https://hub.example.org", "Sec-Fetch-Site: cross-site"}, false, true},
		"own, typed in":           {[]string{"Origin: https://hub.example.org", "Sec-Fetch-Site: none"}, false, false},
		"absent":                  {nil, false, false},
		"absent, same-origin":     {[]string{"Sec-Fetch-Site: same-origin"}, false, false},
		"absent, cross-site":      {[]string{"Sec-Fetch-Site: cross-site"}, false, true},
		"absent, sibling":         {[]string{"Sec-Fetch-Site: same-site"}, false, true},
		"null":                    {[]string{"Origin: null"}, false, true},
		"empty":                   {[]string{"Origin: "}, false, true},
		"foreign":                 {[]string{"Origin: https://evil.example"}, false, true},
		"sub-domain":              {[]string{"Origin: https://alice.hub.example.org"}, false, true},
		"parent":                  {[]string{"Origin: https://example.org"}, false, true},
		"other port":              {[]string{"Origin: https://hub.example.org:8443"}, false, true},
		"other scheme":            {[]string{"Origin: http://hub.example.org"}, false, true},
		"other scheme and port":   {[]string{"Origin: http://hub.example.org:443"}, false, true},
		"look-alike, longer":      {[]string{"Origin: https://hub.example.org.evil.example"}, false, true},
		"look-alike, prefixed":    {[]string{"Origin: https://evilhub.example.org"}, false, true},
		"look-alike, user":        {[]string{"Origin: https://hub.example.org@evil.example"}, false, true},
		"look-alike, path":        {[]string{"Origin: https://hub.example.org/"}, false, true},
		"look-alike, dot":         {[]string{"Origin: https://hub.example.org."}, false, true},
		"look-alike, unicode":     {[]string{"Origin: https://hub。example.org"}, false, true},
		"two":                     {[]string{"Origin: https://hub.example.org", "Origin: https://evil.example"}, false, true},
		"two in one":              {[]string{"Origin: https://hub.example.org https://evil.example"}, false, true},
		"a list that was no list": {[]string{"Origin: nonsense"}, false, true},
		"an origin with a slash":  {[]string{"Origin: https://[2001:db8::1]:8443"}, false, true},
	} {
		r := request("GET /user/alice/api/kernels/1/channels", test.headers...)
		if got := own.Same(r); got != test.same {
			t.Errorf("%s: same %v", name, got)
		}
		if got := own.Foreign(r); got != test.foreign {
			t.Errorf("%s: foreign %v", name, got)
		}
	}
}

func TestOwnOrigin(t *testing.T) {
	r := request("GET /", "Origin: http://hub.example.org:8000")
	r.Host = "Hub.example.org:8000"
	if !OwnOrigin(r, false).Same(r) || OwnOrigin(r, true).Same(r) {
		t.Error("the request's own origin")
	}
	r.Host = "evil.example#hub.example.org:8000"
	r.Header.Set("Origin", "http://evil.example#hub.example.org:8000")
	if OwnOrigin(r, false).Same(r) {
		t.Error("a host that is none")
	}
	if (Origins{}).Same(r) {
		t.Error("no origins allow something")
	}
}

func FuzzParseOrigin(f *testing.F) {
	for _, seed := range []string{"https://hub.example.org:443", "null", "http://[::1]:80", "https://a@b", "http://:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		origin, ok := ParseOrigin(text)
		if !ok {
			return
		}
		if again, ok := ParseOrigin(origin); !ok || again != origin {
			t.Fatalf("%q: %q, then %q", text, origin, again)
		}
		if u, err := url.Parse(origin); err != nil || (u.User != nil || u.Path != "" || u.RawQuery != "" || u.Host == "") {
			t.Fatalf("%q: %q has more than an origin", text, origin)
		}
	})
}

func TestXSRFRequired(t *testing.T) {
	own := NewOrigins("https://hub.example.org")
	const origin = "Origin: https://hub.example.org"
	same, cross := "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"
	for name, test := range map[string]struct {
		line    string
		headers []string
		want    [4]bool // AreaServer, AreaAPI, AreaPage, AreaOwnOrigin
	}{
		"navigation":            {"GET /x", []string{"Sec-Fetch-Mode: navigate", cross}, [4]bool{}},
		"old client, GET":       {"GET /x", nil, [4]bool{}},
		"old client, POST":      {"POST /x", nil, [4]bool{true, true, true, true}},
		"form":                  {"POST /x", []string{"Sec-Fetch-Mode: navigate", same, origin}, [4]bool{true, true, true, false}},
		"foreign form":          {"POST /x", []string{"Sec-Fetch-Mode: navigate", cross, "Origin: null"}, [4]bool{true, true, true, true}},
		"fetch":                 {"GET /x", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", same}, [4]bool{true, true, false, false}},
		"fetch, same-origin":    {"GET /x", []string{"Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: empty", same}, [4]bool{true, true, false, false}},
		"fetch, no-cors":        {"GET /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty", same}, [4]bool{true, true, false, false}},
		"fetch, HEAD":           {"HEAD /x", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", same}, [4]bool{true, false, false, false}},
		"fetch, DELETE":         {"DELETE /x", []string{"Sec-Fetch-Mode: cors", same, origin}, [4]bool{true, true, true, false}},
		"foreign fetch":         {"GET /x", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", cross, "Origin: https://evil.example"}, [4]bool{true, true, false, true}},
		"image":                 {"GET /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", same}, [4]bool{}},
		"foreign image":         {"GET /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", cross}, [4]bool{true, true, false, true}},
		"sibling's image":       {"GET /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: same-site"}, [4]bool{true, true, false, true}},
		"image, typed in":       {"GET /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: none"}, [4]bool{true, true, false, true}},
		"module script":         {"GET /x", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: script", same}, [4]bool{}},
		"font":                  {"GET /x", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: font", same}, [4]bool{}},
		"worker":                {"GET /x", []string{"Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: worker", same}, [4]bool{}},
		"no-cors, unknown dest": {"GET /x", []string{"Sec-Fetch-Mode: no-cors", same}, [4]bool{}},
		"cors, unknown dest":    {"GET /x", []string{"Sec-Fetch-Mode: cors", same}, [4]bool{true, true, false, false}},
		"no-cors POST":          {"POST /x", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty", cross}, [4]bool{true, true, true, true}},
		"websocket":             {"GET /x", upgrade, [4]bool{}},
		"websocket, pretended":  {"GET /x", []string{"Sec-Fetch-Mode: websocket", same}, [4]bool{true, true, false, false}},
		"two modes":             {"GET /x", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"}, [4]bool{true, true, false, true}},
		"odd method":            {"PROPFIND /x", nil, [4]bool{true, true, true, true}},
	} {
		r := request(test.line, test.headers...)
		for i, area := range []Area{AreaServer, AreaAPI, AreaPage, AreaOwnOrigin} {
			if got := XSRFRequired(r, area, own); got != test.want[i] {
				t.Errorf("%s: area %d: %v", name, area, got)
			}
		}
	}
}

func TestXSRFTokens(t *testing.T) {
	r := request("POST /x?_xsrf=c&%5fxsrf=d", "X-XSRFToken: a", "x-csrftoken: b")
	r.PostForm = url.Values{"_xsrf": {"e"}}
	if got := strings.Join(XSRFTokens(r), ""); got != "abcde" {
		t.Errorf("got %q", got)
	}
	r.Header["X-Xsrftoken"] = slices.Repeat([]string{"x"}, 1000)
	if got := len(XSRFTokens(r)); got > 8 {
		t.Errorf("%d tokens to check", got)
	}
	if got := XSRFTokens(&http.Request{URL: &url.URL{}}); len(got) != 0 {
		t.Errorf("from nothing: %q", got)
	}
}

func TestCheckXSRF(t *testing.T) {
	valid := func(token string) bool { return token == "good" }
	for name, test := range map[string]struct {
		r    *http.Request
		want XSRF
	}{
		"none needed":       {request("GET /x"), XSRFPassed},
		"none needed, bad":  {request("GET /x?_xsrf=bad"), XSRFPassed},
		"missing":           {request("POST /x"), XSRFMissing},
		"bad":               {request("POST /x?_xsrf=bad"), XSRFMismatch},
		"good":              {request("POST /x?_xsrf=good"), XSRFPassed},
		"good behind a bad": {request("POST /x?_xsrf=good", "X-XSRFToken: bad"), XSRFPassed},
		"empty":             {request("POST /x?_xsrf="), XSRFMissing},
	} {
		if got := CheckXSRF(test.r, AreaServer, Origins{}, valid); got != test.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}
