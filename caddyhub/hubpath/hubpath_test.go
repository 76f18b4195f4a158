package hubpath

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPaths(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"home", Base("/").Hub("home"), "/hub/home"},
		{"api", Base("/jh/").API("users"), "/jh/hub/api/users"},
		{"default server", Base("/").Server("ada", ""), "/user/ada/"},
		{"named server", Base("/").Server("ada", "big lab"), "/user/ada/big%20lab/"},
		{"names that JupyterHub leaves alone", Base("/").Server("a@b.c~d_e-f", ""), "/user/a@b.c~d_e-f/"},
		{"unicode", Base("/").Server("zoë", ""), "/user/zo%C3%AB/"},
		{"hostile", Base("/").Server("../x", "%2f"), "/user/..%2Fx/%252f/"},
		{"service", Base("/").Service("idle culler"), "/services/idle%20culler/"},
		{"spawn page", Of("/hub/spawn/", "ada", "lab"), "/hub/spawn/ada/lab"},
		{"spawn page of the default server", Of("/hub/spawn/", "ada", ""), "/hub/spawn/ada"},
		{"client", ClientID("ada", ""), "jupyterhub-user-ada"},
		{"client of a named server", ClientID("ada", "lab"), "jupyterhub-user-ada-lab"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestParseBase(t *testing.T) {
	for text, want := range map[string]Base{"": "/", "/": "/", "jh": "/jh/", "/a/b/": "/a/b/"} {
		if got, err := ParseBase(text); err != nil || got != want {
			t.Errorf("ParseBase(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"/a//b", "/..", "/a b/", "/a?b", "/%41/"} {
		if got, err := ParseBase(text); err == nil {
			t.Errorf("ParseBase(%q) = %q; want an error", text, got)
		}
	}
}

func TestClientIDIsUnique(t *testing.T) {
	name := rapid.StringMatching(`[ab\-%@/ ]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		user, server := name.Draw(t, "user"), name.Draw(t, "server")
		other, otherServer := name.Draw(t, "other user"), name.Draw(t, "other server")
		same := user == other && server == otherServer
		if equal := ClientID(user, server) == ClientID(other, otherServer); equal != same {
			t.Fatalf("(%q, %q) and (%q, %q): ids equal: %v", user, server, other, otherServer, equal)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add("ada/../grace %zz\x00")
	f.Fuzz(func(t *testing.T, name string) {
		quoted := Quote(name)
		if strings.ContainsAny(quoted, "/?#\\ \x00") {
			t.Fatalf("Quote(%q) = %q leaves its segment", name, quoted)
		}
		if back, err := url.PathUnescape(quoted); err != nil || back != name {
			t.Fatalf("Quote(%q) = %q, which reads back as %q, %v", name, quoted, back, err)
		}
	})
}
