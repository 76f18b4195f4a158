package identity

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
)

// The session of a host is good there and nowhere else, and the hub's own is not
// good on a host.
func TestHostSessionIsForOneHost(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		hub, session := f.login(t, "ada")
		_, other := f.login(t, "ada")
		cookie := f.HostSession(&session, "ada.example.org")
		for range 2 { // the second time from memory
			found, err := f.ByHostSession(t.Context(), cookie, "ada.example.org")
			if err != nil || found.Name() != "ada" || found.Session.ID != session.ID {
				t.Fatalf("%+v, %v", found, err)
			}
		}
		signature := cookie[strings.LastIndexByte(cookie, '.'):]
		for name, wrong := range map[string]struct{ cookie, host string }{
			"another host":                 {cookie, "mallory.example.org"},
			"the host with a port":         {cookie, "ada.example.org:8443"},
			"a longer host":                {cookie, "ada.example.org."},
			"no host":                      {cookie, ""},
			"the hub's cookie":             {hub, "ada.example.org"},
			"another session":              {"host." + other.ID + signature, "ada.example.org"},
			"without a signature":          {"host." + session.ID, "ada.example.org"},
			"an empty signature":           {"host." + session.ID + ".", "ada.example.org"},
			"a cut signature":              {cookie[:len(cookie)-2], "ada.example.org"},
			"more behind it":               {cookie + ".x", "ada.example.org"},
			"too long":                     {cookie + strings.Repeat("A", maxCookie), "ada.example.org"},
			"host and cookie run together": {"org/" + cookie, "ada.example"},
		} {
			if found, err := f.ByHostSession(t.Context(), wrong.cookie, wrong.host); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
		}
		if found, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
			t.Errorf("at the hub: %+v, %v", found, err)
		}
		if found, err := f.ByToken(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
			t.Errorf("as a token: %+v, %v", found, err)
		}
	})
}

// It ends with the hub's session, whatever ends that, and lives on with it.
func TestHostSessionEndsWithItsParent(t *testing.T) {
	const idle = time.Hour
	for name, end := range map[string]func(*testing.T, *fixture, Session) error{
		"logout": func(t *testing.T, f *fixture, s Session) error { return f.DeleteSession(t.Context(), &s) },
		"logout everywhere": func(t *testing.T, f *fixture, _ Session) error {
			return f.DeleteSessions(t.Context(), "ada")
		},
		"no traffic": func(_ *testing.T, f *fixture, _ Session) error { f.clock.Advance(idle); return nil },
		"the user deleted": func(t *testing.T, f *fixture, _ Session) error {
			return f.DeleteUser(t.Context(), "ada")
		},
		"another key": func(_ *testing.T, f *fixture, _ Session) error {
			return f.ring.Replace([]keyring.Key{keyring.NewKey(f.clock.Now().Add(-time.Hour))})
		},
	} {
		f := newFixture(t)
		f.Configure(Settings{Sessions: SessionLimits{Idle: idle}})
		f.newUser(t, "ada")
		_, session := f.login(t, "ada")
		cookie := f.HostSession(&session, "ada.example.org")
		f.clock.Advance(idle / 2)
		found, err := f.ByHostSession(t.Context(), cookie, "ada.example.org")
		if err != nil {
			t.Fatal(err)
		}
		// Traffic on the host keeps the hub's session alive.
		if err := f.RenewSession(t.Context(), found.Session); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(idle - time.Second)
		if _, err := f.ByHostSession(t.Context(), cookie, "ada.example.org"); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if err := end(t, f, session); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if found, err := f.ByHostSession(t.Context(), cookie, "ada.example.org"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}
