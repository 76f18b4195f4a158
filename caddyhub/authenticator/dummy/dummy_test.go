package dummy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
)

func form(user, password string) authenticator.Attempt {
	return authenticator.Attempt{Form: map[string]string{"username": user, "password": password}}
}

func TestContract(t *testing.T) {
	for name, password := range map[string]string{"open": "", "password": "a Password"} {
		t.Run(name, func(t *testing.T) {
			authenticatortest.Run(t, authenticatortest.Subject{
				New:         func(*testing.T) authenticator.Authenticator { return dummy.New(password) },
				Good:        form("Ada", "a Password"),
				Identity:    authenticator.Identity{Name: "Ada"},
				AnyPassword: password == "",
			})
		})
	}
}

// Without an allow rule everybody is let in, with one only whom it names. The
// list of admins is no such rule.
func TestOpenUnlessAllowRule(t *testing.T) {
	for name, test := range map[string]struct {
		rules authenticator.Rules
		eve   error
	}{
		"no rule":     {authenticator.Rules{}, nil},
		"admins":      {authenticator.Rules{Admins: []string{"ada"}}, nil},
		"allow":       {authenticator.Rules{Allow: []string{"ada"}}, authenticator.ErrNotAllowed},
		"allow_group": {authenticator.Rules{AllowGroups: []string{"x"}, Admins: []string{"ada"}}, authenticator.ErrNotAllowed},
		"blocked":     {authenticator.Rules{Blocked: []string{"eve"}}, authenticator.ErrNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			login, err := authenticator.New(authenticator.Options{
				Authenticators: []authenticator.Named{{Name: "dummy", Authenticator: dummy.New("")}}, Rules: test.rules,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := login.Login(t.Context(), "dummy", form("ada", "")); err != nil {
				t.Errorf("ada: %v", err)
			}
			if _, err := login.Login(t.Context(), "dummy", form("EVE", "")); !errors.Is(err, test.eve) {
				t.Errorf("eve: %v, want %v", err, test.eve)
			}
			warnings := login.Warnings()
			if len(warnings) != 1 || !strings.Contains(warnings[0], "trying things out") {
				t.Errorf("warnings %q, want the one about dummy itself", warnings)
			}
		})
	}
}

func TestCheckListen(t *testing.T) {
	local := []string{
		"127.0.0.1:8000", "127.1.2.3:80", "[::1]:443", "::1", "localhost:8000-8010", "LocalHost:80", "tcp/127.0.0.1:80",
		"udp/[::1]:443", "unix//run/hub.sock", "unix/@hub", "[::ffff:127.0.0.1]:80",
	}
	reachable := []string{
		"", ":8000", "0.0.0.0:8000", "[::]:8000", "192.0.2.1:80", "hub.example.org:443", "localhost.example.org:80", "tcp/:80",
		"fd/3", "fdgram/3", "tailscale/hub:80", "127.0.0.1.example.org:80", "[fe80::1%lo]:80", "1270.0.0.1:80", "0:80",
	}
	open := dummy.New("")
	if err := open.CheckListen(local, false); err != nil {
		t.Errorf("local addresses: %v", err)
	}
	if err := open.CheckListen(nil, false); err != nil {
		t.Errorf("no address: %v", err)
	}
	for _, address := range reachable {
		err := open.CheckListen(append(local[:len(local):len(local)], address), false)
		if err == nil || !strings.Contains(err.Error(), "\""+address+"\"") {
			t.Errorf("%q among local addresses: error %v, want one that names it", address, err)
		}
		if err := open.CheckListen([]string{address}, true); err != nil {
			t.Errorf("%q, allowed: %v", address, err)
		}
		if err := dummy.New("a password").CheckListen([]string{address}, false); err != nil {
			t.Errorf("%q, with a password: %v", address, err)
		}
	}
}
