package remoteuser_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/remoteuser"
)

const proxy, elsewhere = "10.1.2.3:4567", "203.0.113.9:4567"

func options() remoteuser.Options {
	return remoteuser.Options{
		GroupsHeader: "Remote-Groups", StateHeaders: []string{"Remote-Email"},
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	}
}

func must(t testing.TB, o remoteuser.Options) *remoteuser.Authenticator {
	t.Helper()
	a, err := remoteuser.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// request has headers as lines NAME: VALUE; the names are taken as they are.
func request(peer string, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/hub/login", nil)
	r.RemoteAddr = peer
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	return r
}

func TestContract(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Subject{
		New:         func(t *testing.T) authenticator.Authenticator { return must(t, options()) },
		Good:        authenticator.Attempt{Request: request(proxy, "Remote-User: Ada", "Remote-Groups: b, a ,,b")},
		Identity:    authenticator.Identity{Name: "Ada", Groups: []string{"a", "b"}},
		AnyPassword: true,
	})
}

// The header counts from the proxy alone, once, and under its own name.
func TestWhoIsBelieved(t *testing.T) {
	for about, test := range map[string]struct {
		request *http.Request
		status  int // 0: logged in as ada
	}{
		"proxy":                     {request(proxy, "Remote-User: ada"), 0},
		"proxy over IPv6":           {request("[2001:db8::1]:1", "Remote-User: ada"), 0},
		"IPv4 in IPv6":              {request("[::ffff:10.1.2.3]:1", "Remote-User: ada"), 0},
		"other headers":             {request(proxy, "Remote-User: ada", "X-Remote-User: eve", "Remote-User-Agent: x"), 0},
		"somebody else":             {request(elsewhere, "Remote-User: ada"), 403},
		"who says to be the proxy":  {request(elsewhere, "Remote-User: ada", "X-Forwarded-For: 10.1.2.3", "Forwarded: for=10.1.2.3", "X-Real-Ip: 10.1.2.3"), 403},
		"no address":                {request("proxy", "Remote-User: ada"), 403},
		"a Unix socket":             {request("@", "Remote-User: ada"), 403},
		"no header":                 {request(proxy), 403},
		"an empty one":              {request(proxy, "Remote-User: "), 403},
		"no name of a user":         {request(proxy, "Remote-User: a/b"), 403},
		"twice":                     {request(proxy, "Remote-User: ada", "Remote-User: ada"), 400},
		"another beside it":         {request(proxy, "Remote-User: ada", "Remote_user: eve"), 400},
		"only another":              {request(proxy, "Remote_user: ada"), 400},
		"with a dot":                {request(proxy, "Remote-User: ada", "Remote.user: eve"), 400},
		"in another case":           {request(proxy, "Remote-User: ada", "REMOTE-USER: eve"), 400},
		"without a hyphen":          {request(proxy, "Remote-User: ada", "Remoteuser: eve"), 400},
		"no text":                   {request(proxy, "Remote-User: ad\xffa"), 400},
		"groups twice":              {request(proxy, "Remote-User: ada", "Remote-Groups: a", "Remote_groups: admins"), 400},
		"state twice":               {request(proxy, "Remote-User: ada", "Remote-Email: a", "Remote-Email: b"), 400},
		"two names in one":          {request(proxy, "Remote-User: ada, eve"), -1},
		"a name of another's realm": {request(proxy, "Remote-User: ada@EXAMPLE.ORG"), -1},
	} {
		identity, err := must(t, options()).Authenticate(t.Context(), authenticator.Attempt{Request: test.request})
		status := 0
		if err != nil {
			status, _, _ = authenticator.Describe(err)
		}
		switch {
		case test.status >= 0 && status != test.status, test.status == 0 && err == nil && identity.Name != "ada":
			t.Errorf("%s: %v, error %v, want status %d", about, identity, err, test.status)
		case test.status < 0 && (err != nil || identity.Name != test.request.Header.Get("Remote-User")):
			t.Errorf("%s: %v, %v, want the whole value as one name", about, identity, err)
		}
	}
	// A form is somebody who types, not the proxy.
	attempt := authenticator.Attempt{Request: request(proxy, "Remote-User: ada"), Form: map[string]string{"username": "eve"}}
	if _, err := must(t, options()).Authenticate(t.Context(), attempt); !errors.Is(err, authenticator.ErrDenied) {
		t.Errorf("a form: %v", err)
	}
}

func TestUnixSocketAndPeer(t *testing.T) {
	o := options()
	o.Trusted, o.TrustLocal = nil, true
	if _, err := must(t, o).Authenticate(t.Context(), authenticator.Attempt{Request: request("@", "Remote-User: ada")}); err != nil {
		t.Errorf("over a Unix socket: %v", err)
	}
	o = options()
	// The hub has put the client's address where the proxy's was.
	o.Peer = func(*http.Request) string { return elsewhere }
	if _, err := must(t, o).Authenticate(t.Context(), authenticator.Attempt{Request: request(proxy, "Remote-User: ada")}); err == nil {
		t.Error("the address of the client was taken for that of the proxy")
	}
}

func TestRefresh(t *testing.T) {
	a := must(t, options())
	identity, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request(proxy, "Remote-User: Ada", "Remote-Groups: x", "Remote-Email: ada@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Headers map[string]string }
	if err := json.Unmarshal(identity.AuthState, &kept); err != nil || kept.Headers["Remote-Email"] != "ada@example.org" {
		t.Errorf("auth state %s, %v", identity.AuthState, err)
	}
	same := []string{"Remote-User: ada", "Remote-Groups: x", "Remote-Email: ada@example.org"}
	for about, test := range map[string]struct {
		request *http.Request
		want    authenticator.Outcome
		groups  []string
		unknown bool
	}{
		"the same":             {request(proxy, same...), authenticator.Fresh, nil, false},
		"other groups":         {request(proxy, "Remote-User: ada", "Remote-Groups: y"), authenticator.Changed, []string{"y"}, false},
		"nobody":               {request(proxy), authenticator.LoginAgain, nil, false},
		"somebody else":        {request(proxy, "Remote-User: eve"), authenticator.LoginAgain, nil, false},
		"two":                  {request(proxy, "Remote-User: ada", "Remote_user: eve"), authenticator.LoginAgain, nil, false},
		"past the proxy":       {request(elsewhere, same...), 0, nil, true},
		"nobody past it":       {request(elsewhere), 0, nil, true},
		"no request to ask by": {nil, 0, nil, true},
	} {
		got, err := a.Refresh(t.Context(), "ada", identity.AuthState, test.request)
		if test.unknown {
			if !errors.Is(err, authenticator.ErrUnavailable) {
				t.Errorf("%s: %v, %v, want ErrUnavailable", about, got, err)
			}
			continue
		}
		if err != nil || got.Outcome != test.want || got.Outcome == authenticator.Changed && cmp.Diff(test.groups, got.Identity.Groups) != "" {
			t.Errorf("%s: %+v, %v, want %v", about, got, err, test.want)
		}
	}
	o := options()
	o.OnlyAtLogin = true
	if got, err := must(t, o).Refresh(t.Context(), "ada", identity.AuthState, request(proxy)); err != nil || got.Outcome != authenticator.Fresh {
		t.Errorf("only at login: %v, %v", got, err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for want, change := range map[string]func(*remoteuser.Options){
		"no proxy is trusted": func(o *remoteuser.Options) { o.Trusted = nil },
		"0.0.0.0/0 trusts":    func(o *remoteuser.Options) { o.Trusted = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} },
		"no name of a header": func(o *remoteuser.Options) { o.Header = "Remote User" },
		`"---" is no name`:    func(o *remoteuser.Options) { o.Header = "---" },
		"is given twice":      func(o *remoteuser.Options) { o.GroupsHeader = "Remote_User" },
		"another meaning":     func(o *remoteuser.Options) { o.Header = "Cookie" },
	} {
		o := options()
		change(&o)
		if _, err := remoteuser.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	a := must(t, options())
	if url, err := a.LogoutURL(t.Context(), nil); err != nil || url != "" || !a.AutoLogin() || a.Prompt().Service != "single sign-on" {
		t.Errorf("logout %q, %v; prompt %v", url, err, a.Prompt())
	}
}

// FuzzHeaders never believes anything but one header of exactly the name.
func FuzzHeaders(f *testing.F) {
	f.Add("Remote-User", "ada", "Remote_user", "eve")
	f.Add("remote-user", "ada", "Remote-User", "")
	f.Add("Remote.User", "a,b", "X", "\xff")
	f.Fuzz(func(t *testing.T, first, one, second, two string) {
		r := request(proxy)
		r.Header[first] = append(r.Header[first], one)
		r.Header[second] = append(r.Header[second], two)
		identity, err := must(t, remoteuser.Options{Trusted: options().Trusted}).Authenticate(t.Context(), authenticator.Attempt{Request: r})
		if err != nil {
			return
		}
		if values := r.Header["Remote-User"]; len(values) != 1 || strings.TrimSpace(values[0]) != identity.Name || len(r.Header) > 2 {
			t.Errorf("%q makes %q", r.Header, identity.Name)
		}
		for name := range r.Header {
			if name != "Remote-User" && strings.EqualFold(strings.NewReplacer("_", "-", ".", "-").Replace(name), "Remote-User") {
				t.Errorf("%q was taken beside the header", name)
			}
		}
	})
}
