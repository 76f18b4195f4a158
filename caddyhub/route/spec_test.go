package route

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func spec(t testing.TB, text string) Spec {
	t.Helper()
	s, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func target(t testing.TB, text string) Target {
	t.Helper()
	parsed, err := ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseSpec(t *testing.T) {
	for text, want := range map[string]string{
		"/":                             "/",
		"/user/ada/":                    "/user/ada/",
		"/user/ada":                     "/user/ada/",
		"/user/ada/lab%20two/":          "/user/ada/lab%20two/",
		"/@/space%20word/":              "/@/space%20word/",
		"/user/ada%40example.org/":      "/user/ada@example.org/",
		"/user/%61da/":                  "/user/ada/",
		"/user/j%c3%bcrgen/":            "/user/j%C3%BCrgen/",
		"/user/jürgen/":                 "/user/j%C3%BCrgen/",
		"/user/a%7Benv.X%7D/":           "/user/a%7Benv.X%7D/",
		"/user/100%25/":                 "/user/100%25/",
		"/USER/Ada/":                    "/USER/Ada/",
		"Ada.Hub.example.org/user/ada/": "ada.hub.example.org/user/ada/",
		"hub.example.org/":              "hub.example.org/",

		"":                               "",
		"user":                           "",
		"//":                             "",
		"/user//ada/":                    "",
		"/user/ada//":                    "",
		"/user/./ada/":                   "",
		"/user/../ada/":                  "",
		"/user/%2e%2E/":                  "",
		"/user/a%2Fb/":                   "",
		"/user/a%5Cb/":                   "",
		`/user/a\b/`:                     "",
		"/user/a b/":                     "",
		"/user/a;b/":                     "",
		"/user/{env.X}/":                 "",
		"{env.HOST}/user/ada/":           "",
		"/user/ada/?x":                   "",
		"/user/ada/#x":                   "",
		"/user/%zz/":                     "",
		"/user/%":                        "",
		"/user/%ff/":                     "",
		"/user/%00/":                     "",
		"/user/%0a/":                     "",
		"/user/a\x7f/":                   "",
		"host:80/user/ada/":              "",
		"ada@host/user/":                 "",
		"-host/user/":                    "",
		"http://host/user/":              "",
		"/" + strings.Repeat("a/", 17):   "",
		"/" + strings.Repeat("ü", 500):   "",
		strings.Repeat("a", 64) + "/x/":  "",
		"a." + strings.Repeat("b.", 126): "",
	} {
		got, err := ParseSpec(text)
		if got.String() != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestSpecParts(t *testing.T) {
	base := spec(t, "hub.example.org/jupyter/")
	server, err := base.Under("user", "ada l", "a@b ü")
	if err != nil || server.String() != "hub.example.org/jupyter/user/ada%20l/a@b%20%C3%BC/" {
		t.Fatalf("%q, %v", server, err)
	}
	if diff := cmp.Diff([]string{"jupyter", "user", "ada l", "a@b ü"}, server.Segments()); diff != "" {
		t.Error(diff)
	}
	if server.Host() != "hub.example.org" || server.Path() != "/jupyter/user/ada%20l/a@b%20%C3%BC/" {
		t.Errorf("%q %q", server.Host(), server.Path())
	}
	if s, err := spec(t, "/").Under("user", "ada", ""); err != nil || s != spec(t, "/user/ada/") {
		t.Errorf("default server: %q, %v", s, err)
	}
	for _, name := range []string{"", "..", "a/b", "a\\b", "\xff", "a\x00"} {
		if s, err := base.Under("user", name, "x"); err == nil {
			t.Errorf("name %q gives %q", name, s)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8888":       "http://127.0.0.1:8888",
		"http://127.0.0.1:8888/":      "http://127.0.0.1:8888",
		"HTTPS://Node-1.Cluster:443":  "https://node-1.cluster:443",
		"http://jupyter_ada_1:8888":   "http://jupyter_ada_1:8888",
		"http://localhost":            "http://localhost:80",
		"https://localhost":           "https://localhost:443",
		"http://[2001:DB8::1]:65535":  "http://[2001:db8::1]:65535",
		"http://[::1]":                "http://[::1]:80",
		"":                            "",
		"localhost:8888":              "",
		"ftp://localhost:8888":        "",
		"H2C://Host":                  "h2c://host:80",
		"h2://host":                   "",
		"unix:///run/x.sock":          "",
		"http://":                     "",
		"http://:8888":                "",
		"http://host:":                "",
		"http://host:0":               "",
		"http://host:65536":           "",
		"http://host:-1":              "",
		"http://host:+80":             "",
		"http://host:8e1":             "",
		"http://host:80:80":           "",
		"http://host:8888/path":       "",
		"http://host:8888//":          "",
		"http://host:8888?x":          "",
		"http://host:8888#x":          "",
		"http://ada:secret@host:8888": "",
		"http://{env.HOST}:8888":      "",
		"http://host:{env.PORT}":      "",
		"http://ho st:8888":           "",
		"http://host\n:8888":          "",
		"http://ho%73t:8888":          "",
		"http://2001:db8::1:8888":     "",
		"http://[fe80::1%25eth0]:80":  "",
		"http://[fe80::1%eth0]:80":    "",
		"http://[127.0.0.1]:80":       "",
		"http://[::1:80":              "",
		"http://[::1]80":              "",
		"http://höst:80":              "",

		"http://169.254.169.254":          "",
		"http://169.254.170.2:80":         "",
		"http://[fd00:ec2::254]:80":       "",
		"http://[::ffff:a9fe:a9fe]:80":    "",
		"http://169.254.1.2:8888":         "http://169.254.1.2:8888",
		"http://169.254.169.254.example/": "http://169.254.169.254.example:80",
	} {
		got, err := ParseTarget(text)
		if got.String() != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
	if got := target(t, "http://[::1]:8888"); got.Address() != "[::1]:8888" || got.Host() != "::1" || got.Port() != 8888 || got.Scheme() != "http" {
		t.Errorf("parts of %v", got)
	}
}

func TestRouteJSON(t *testing.T) {
	route := Route{Spec: spec(t, "/user/ada/x/"), Target: target(t, "http://h:1"),
		Data: Data{User: "ada", ServerName: "x", Extra: `{"k":{"a":[1]}}`}}
	text, err := json.Marshal(route)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"spec":"/user/ada/x/","target":"http://h:1","data":{"user":"ada","server_name":"x","extra":{"k":{"a":[1]}}}}`
	if string(text) != want {
		t.Errorf("%s", text)
	}
	var back Route
	if err := json.Unmarshal(text, &back); err != nil || back.Spec != route.Spec || back.Target != route.Target {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := json.Marshal(Route{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("an empty route: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"spec":"/x/","target":"http://{env.X}"}`), &back); !errors.Is(err, ErrInvalid) {
		t.Errorf("a target with a placeholder: %v", err)
	}
}

func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"ada": "ada", "a@b~c_d.e-f": "a@b~c_d.e-f", "a b": "a%20b", "a/b": "a%2Fb", "ü": "%C3%BC", "%": "%25", "a+b": "a%2Bb", "a;b": "a%3Bb", "": "",
	} {
		if got := Escape(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"/user/ada/", "host/user/%61da", "/%2e%2e/", "/{x}/", "a.b/ü/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		if again, err := ParseSpec(s.String()); err != nil || again != s {
			t.Fatalf("%q: %q, then %q, %v", text, s, again, err)
		}
		if again, err := NewSpec(s.Host(), s.Segments()...); err != nil || again != s {
			t.Fatalf("%q: built again %q, %v", text, again, err)
		}
		if strings.ContainsAny(s.String(), "{} \\;?#") {
			t.Fatalf("%q: %q is not plain", text, s)
		}
		table := NewTable()
		table.Set(Route{Spec: s, Target: Target{"http://h:1"}})
		if route, ok := table.Lookup(s.Host(), s.Path()+"x"); !ok || route.Spec() != s {
			t.Fatalf("%q: %q does not find itself", text, s)
		}
		table.Remove(s)
		if table.Len() != 0 || table.current.Load().hosts != nil {
			t.Fatalf("%q: something is left", text)
		}
	})
}

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"http://h:1", "https://[::1]", "http://a:b@c", "http://{x}:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := ParseTarget(text)
		if err != nil {
			return
		}
		if again, err := ParseTarget(parsed.String()); err != nil || again != parsed {
			t.Fatalf("%q: %v, then %v, %v", text, parsed, again, err)
		}
		if strings.ContainsAny(parsed.String(), "{}@%?# \\") || parsed.Port() == 0 {
			t.Fatalf("%q: %v is not plain", text, parsed)
		}
	})
}

// TestExtra: what is attached to a route is an object, or nothing.
func TestExtra(t *testing.T) {
	for text, want := range map[string]string{`{}`: `{}`, `{"a": [1]}`: `{"a": [1]}`, `null`: "", `[]`: "bad", `1`: "bad", `"{}"`: "bad"} {
		var data Data
		err := json.Unmarshal([]byte(`{"extra":`+text+`}`), &data)
		if (err != nil) != (want == "bad") || err == nil && string(data.Extra) != want {
			t.Errorf("%s: %q, %v", text, data.Extra, err)
		}
	}
	if _, err := Object("").MarshalJSON(); !errors.Is(err, ErrInvalid) {
		t.Errorf("an empty text: %v", err)
	}
	long := Route{Spec: spec(t, "/x/"), Target: target(t, "http://h:1"), Data: Data{User: strings.Repeat("u", MaxNameLength+1)}}
	if NewTable().Set(long) {
		t.Error("a table took a name that is too long")
	}
}
