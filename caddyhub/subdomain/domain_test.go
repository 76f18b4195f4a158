package subdomain

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func address(t testing.TB, text string) *url.URL {
	t.Helper()
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func domain(t testing.TB, text, hub string) Domain {
	t.Helper()
	d, err := Parse(text, address(t, hub))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text, hub string
		// ada is where she is; empty for an error.
		ada  string
		want error
	}{
		{"hub.example.org", "", "https://ada.hub.example.org", nil},
		{"Hub.Example.org", "https://hub.example.org", "https://ada.hub.example.org", nil},
		{"https://hub.example.org/", "https://hub.example.org", "https://ada.hub.example.org", nil},
		{"hub.example.org", "https://hub.example.org:8443", "https://ada.hub.example.org:8443", nil},
		{"hub.example.org:443", "https://hub.example.org:8443", "https://ada.hub.example.org", nil},
		{"hub.example.org:9443", "https://hub.example.org", "https://ada.hub.example.org:9443", nil},
		{"hub.example.org", "http://hub.example.org:8000", "http://ada.hub.example.org:8000", nil},
		{"users.example.net", "https://hub.example.org", "https://ada.users.example.net", nil},
		{"localhost", "http://localhost:8000", "http://ada.localhost:8000", nil},
		{"http://hub.example.org", "https://hub.example.org", "", ErrScheme},
		{"https://hub.example.org", "http://hub.example.org", "", ErrScheme},
		{"", "", "", ErrDomain},
		{"*.hub.example.org", "", "", ErrDomain},
		{".hub.example.org", "", "", ErrDomain},
		{"hub.example.org.", "", "", ErrDomain},
		{"hub.example.org/path", "", "", ErrDomain},
		{"ftp://hub.example.org", "", "", ErrDomain},
		{"hub.example.org:x", "", "", ErrDomain},
		{"ada@hub.example.org", "", "", ErrDomain},
		{"127.0.0.1", "", "", ErrDomain},
		{"[::1]", "", "", ErrDomain},
		{"jürgen.example.org", "", "", ErrDomain},
		{"hub.example.org", "https://hub.example.org.", "", ErrDomain},
		{strings.Repeat("abcdefg.", 24) + "org", "", "", ErrDomain},
	} {
		d, err := Parse(test.text, address(t, test.hub))
		if !errors.Is(err, test.want) || (err == nil) != (test.ada != "") {
			t.Errorf("%q at %q: %v", test.text, test.hub, err)
		} else if got := d.Origin(d.OfUser("ada")); err == nil && got != test.ada {
			t.Errorf("%q at %q: ada is at %s, want %s", test.text, test.hub, got, test.ada)
		}
		if err != nil && !d.IsZero() {
			t.Errorf("%q at %q: an error and %+v", test.text, test.hub, d)
		}
	}
}

// The labels are those of JupyterHub's hook "idna", but for longer hashes and for
// names with capitals.
func TestLabels(t *testing.T) {
	for name, want := range map[string][2]string{
		"ada":                   {"ada", "ada--service"},
		"grace-hopper":          {"grace-hopper", "grace-hopper--service"},
		"1a":                    {"1a", "1a--service"},
		"jürgen":                {"xn--jrgen-kva", "u-jrgen--19b720a911fced55aecd96bf4ddcada1--service"},
		"用户":                    {"xn--zouo53b", "u-x--0d0e1a86b3aa787709b00329fcd32b5b--service"},
		"ß":                     {"xn--zca", "u-x--cd3a7e92a9114307055e4a0583acd654--service"},
		"007":                   {"u-007--629f4cf9337b0d0c76f305d860f98894", "u-007--629f4cf9337b0d0c76f305d860f98894--service"},
		"ada@example.org":       {"u-adaexamp--cfe00dde46ef942601ffafb9e2825e80", "u-adaexamp--cfe00dde46ef942601ffafb9e2825e80--service"},
		"Ada":                   {"u-ada--99a563ab2f6e21e96998f9fddd2a2bab", "u-ada--99a563ab2f6e21e96998f9fddd2a2bab--service"},
		"a--b":                  {"u-ab--90827a2e56361a8fd77208d8b32b17de", "u-ab--90827a2e56361a8fd77208d8b32b17de--service"},
		"xn--jrgen-kva":         {"u-xnjrgenk--f2e4fe5f8071f8c687e71cd915635d1d", "u-xnjrgenk--f2e4fe5f8071f8c687e71cd915635d1d--service"},
		"-x":                    {"u-x--a420962426d711880258b007d6767792", "u-x--a420962426d711880258b007d6767792--service"},
		"e\u0301":               {"u-e--bf12767b0f2a56b2190075bae8169f65", "u-e--bf12767b0f2a56b2190075bae8169f65--service"},
		"":                      {"u-x--e3b0c44298fc1c149afbf4c8996fb924", "u-x--e3b0c44298fc1c149afbf4c8996fb924--service"},
		strings.Repeat("x", 63): {strings.Repeat("x", 63), "u-xxxxxxxx--75220b47218278e656f2013bb8f0c455--service"},
		strings.Repeat("x", 64): {"u-xxxxxxxx--7ce100971f64e7001e8fe5a51973ecdf", "u-xxxxxxxx--7ce100971f64e7001e8fe5a51973ecdf--service"},
	} {
		if diff := cmp.Diff(want, [2]string{userLabel(name), serviceLabel(name)}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

// Nobody is where the hub is.
func TestHubHasItsHostAlone(t *testing.T) {
	d := domain(t, "example.org:8443", "https://hub.example.org")
	if got := d.OfUser("hub"); strings.HasPrefix(got, "hub.") {
		t.Errorf("the user hub is at %s", got)
	}
	for _, host := range []string{"hub.example.org:8443", "hub.example.org", "example.org:8443"} {
		if _, ok := d.User(host); ok || d.Owns(host) {
			t.Errorf("%s belongs to somebody", host)
		}
	}
	if !d.Owns("ada.example.org:8443") {
		t.Error("ada has no host")
	}
}

func TestOwns(t *testing.T) {
	d := domain(t, "hub.example.org", "https://hub.example.org")
	for host, want := range map[string]bool{
		"ada.hub.example.org": true, "u-x--00.hub.example.org": true, "a_b.hub.example.org": true,
		"hub.example.org": false, ".hub.example.org": false, "x.ada.hub.example.org": false, "adahub.example.org": false,
		"ada.hub.example.org:8443": false, "ada.hub.example.org.": false, "x@ada.hub.example.org": false,
		"a/b.hub.example.org": false, "a%2e.hub.example.org": false, "evil.example#.hub.example.org": false,
		"ada.hub.example.org.evil.example": false, "": false, "jürgen.hub.example.org": false, "a b.hub.example.org": false,
	} {
		if got := d.Owns(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
		if (Domain{}).Owns(host) {
			t.Errorf("no domain owns %q", host)
		}
	}
	for host, want := range map[string]bool{
		"ada.hub.example.org": true, "hub.example.org": true, "HUB.example.org.": true, "x.y.Hub.example.org.:443": true,
		"x@ada.hub.example.org": true, "hub.example.org.evil.example": false, "adahub.example.org": false, "": false,
	} {
		if got := d.Below(host); got != want {
			t.Errorf("%q below: %v", host, got)
		}
	}
}

func TestWhoseHost(t *testing.T) {
	d := domain(t, "hub.example.org", "https://hub.example.org:8443")
	for label, want := range map[string][2]string{
		"ada": {"ada", ""}, "xn--jrgen-kva": {"jürgen", ""}, "weather--service": {"", "weather"},
		"u-ada--99a563ab2f6e21e96998f9fddd2a2bab": {"", ""}, "007": {"", ""}, "xn--ada-": {"", ""},
		"xn--JRGEN-kva": {"", ""}, "Ada": {"", ""}, "a--b": {"", ""}, "u-x--00--service": {"", ""}, "--service": {"", ""},
	} {
		user, _ := d.User(d.AtPort(label + ".hub.example.org"))
		service, _ := d.Service(d.AtPort(label + ".hub.example.org"))
		if _, ok := d.User(d.AtPort(label + ".hub.example.org")); !ok {
			user = ""
		}
		if _, ok := d.Service(d.AtPort(label + ".hub.example.org")); !ok {
			service = ""
		}
		if diff := cmp.Diff(want, [2]string{user, service}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", label, diff)
		}
	}
}

// Whatever names are chosen, no two share a host, and every host is one.
func TestHostsDiffer(t *testing.T) {
	d := domain(t, "hub.example.org", "https://hub.example.org")
	name := rapid.OneOf(rapid.StringMatching(`(xn--|u-)?[a-cA-C0-1ü-]{0,6}(--service)?`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		if same := d.OfUser(a) == d.OfUser(b); same != (a == b) {
			t.Fatalf("users %q and %q: %s, %s", a, b, d.OfUser(a), d.OfUser(b))
		}
		if same := d.OfService(a) == d.OfService(b); same != (a == b) {
			t.Fatalf("services %q and %q: %s, %s", a, b, d.OfService(a), d.OfService(b))
		}
		if d.OfUser(a) == d.OfService(b) {
			t.Fatalf("user %q and service %q: %s", a, b, d.OfUser(a))
		}
	})
}

func FuzzLabels(f *testing.F) {
	for _, seed := range []string{"ada", "Ada", "jürgen", "a--b", "xn--x", "007", "\xff", "x.y", "ﬁ", "😀"} {
		f.Add(seed)
	}
	d := domain(f, "hub.example.org", "https://hub.example.org")
	f.Fuzz(func(t *testing.T, name string) {
		for _, host := range []string{d.OfUser(name), d.OfService(name)} {
			if canonical, ok := Canonical(host, true); !ok || canonical != host || !d.Owns(host) || !d.Below(host) {
				t.Fatalf("%q: %q is no host of the domain", name, host)
			}
			if label, _, _ := strings.Cut(host, "."); len(label) > maxLabel || strings.Trim(label, "-") != label {
				t.Fatalf("%q: %q is no label", name, label)
			}
		}
		if user, ok := d.User(d.OfUser(name)); ok && user != name {
			t.Fatalf("%q: its host is that of %q", name, user)
		}
		if service, ok := d.Service(d.OfService(name)); ok && service != name {
			t.Fatalf("%q: its host is that of service %q", name, service)
		}
	})
}

// A text that is taken for a host of somebody is one in canonical form.
func FuzzOwns(f *testing.F) {
	d := domain(f, "hub.example.org", "https://hub.example.org")
	for _, seed := range []string{"ada.hub.example.org", "x@ada.hub.example.org", "ada.hub.example.org:443", "ADA.hub.example.org", ".hub.example.org"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !d.Owns(host) {
			if _, ok := d.User(host); ok {
				t.Fatalf("%q belongs to a user and to nobody", host)
			}
			return
		}
		if !d.Below(host) {
			t.Fatalf("%q is not below the domain", host)
		}
		u, err := url.Parse("https://" + host + "/")
		if err != nil || u.Host != host || u.Path != "/" {
			t.Fatalf("%q: a URL reads %+v, %v", host, u, err)
		}
	})
}
