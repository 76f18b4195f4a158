package route

import (
	"errors"
	"strings"
	"testing"
)

func TestParseTargetURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8081":                "http://127.0.0.1:8081",
		"https://h":                            "https://h:443",
		"http://h:1/":                          "http://h:1",
		"http://h:1/foo":                       "http://h:1/foo",
		"http://h:1/foo/?a=b&c=%41":            "http://h:1/foo/?a=b&c=%41",
		"http://h:1?a=b":                       "http://h:1?a=b",
		"http://h:1/?":                         "http://h:1",
		"http+unix://%2Frun%2Fhub.sock":        "http+unix://%2Frun%2Fhub.sock",
		"unix+http://%2Frun%2Fhub.sock/base/x": "http+unix://%2Frun%2Fhub.sock/base/x",
		"http+unix://%2Frun%2Fa%20b%3A1":       "http+unix://%2Frun%2Fa%20b%3A1",
		"HTTP://Host:80/A":                     "http://host:80/A",
		"not a url":                            "", "ftp://h": "", "ws://h": "", "http://": "", "http://u:secret@h": "",
		"http://h:1/#f": "", "http://h:1/../x": "", "http://h:1/%2e%2E/x": "", "http://h:1/%zz": "", "http://h:1/{x}": "",
		"http://h:1/a b": "", "http://h:1/%00": "", "http://h:1/ü": "", "http+unix://run%2Fsock": "", "http+unix://": "",
		"http+unix://%2F" + strings.Repeat("a", maxSocket): "", "http+unix://%2Frun%2F{env.X}": "", "http+unix://%2Frun%7B": "",
		"http://h:1/" + strings.Repeat("a", maxTargetPath): "", "http+unix://%2Frun|0777": "", "http+unix://%2Frun%7C0777": "",
	} {
		got, err := ParseTargetURL(text)
		if got.String() != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
}

// parts of a target, as the data path asks for them.
type parts struct{ network, address, authority, scheme, host, socket, path, query, origin string }

func TestTargetParts(t *testing.T) {
	for text, want := range map[string]parts{
		"http://h/a?b":          {"tcp", "h:80", "h", "http", "h", "", "/a", "b", "http://h:80"},
		"https://[::1]":         {"tcp", "[::1]:443", "[::1]", "https", "::1", "", "", "", "https://[::1]:443"},
		"http://h:81":           {"tcp", "h:81", "h:81", "http", "h", "", "", "", "http://h:81"},
		"http+unix://%2Fr/a?b=": {"unix", "/r", "localhost", "http", "", "/r", "/a", "b=", "http+unix://%2Fr"},
	} {
		to, err := ParseTargetURL(text)
		if err != nil {
			t.Fatal(err)
		}
		got := parts{to.Network(), to.Address(), to.Authority(), to.Scheme(), to.Host(), to.Socket(), to.Path(), to.Query(), to.Origin().String()}
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func FuzzParseTargetURL(f *testing.F) {
	for _, seed := range []string{"http://h:1/a?b", "http+unix://%2Frun%2Fx/y", "unix+http://%2F", "https://[::1]/%7B", "http://a:b@c/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := ParseTargetURL(text)
		if err != nil {
			return
		}
		if again, err := ParseTargetURL(parsed.String()); err != nil || again != parsed {
			t.Fatalf("%q: %v, then %v, %v", text, parsed, again, err)
		}
		if strings.ContainsAny(parsed.String(), "{} #\\") || strings.ContainsAny(parsed.Address(), "{}|\n") {
			t.Fatalf("%q: %v is not plain", text, parsed)
		}
		if origin := parsed.Origin(); origin.Path() != "" || origin.Query() != "" || origin.Address() != parsed.Address() {
			t.Fatalf("%q: the origin is %v", text, origin)
		}
	})
}
