package identity

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// check claims the check of a login that must be free.
func (f *fixture) check(t testing.TB, user, by string) LoginCheck {
	t.Helper()
	check, err := f.BeginCheck(t.Context(), user, by, f.clock.Now(), time.Minute)
	if err != nil || check.ID == "" {
		t.Fatalf("the check was not begun: %+v, %v", check, err)
	}
	return check
}

func (f *fixture) externally(t testing.TB, user, by, state string) string {
	t.Helper()
	login := Login{Name: user, Authenticator: by}
	if state != "" {
		login.AuthState = json.RawMessage(state)
	}
	if _, err := f.RecordLogin(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	cookie, _, err := f.CreateSession(t.Context(), user, by)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// One of many nodes begins a check, and until it ends no other does.
func TestBeginCheck(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.externally(t, "ada", "one", `{"a":1}`)
		if check, err := f.BeginCheck(t.Context(), "ada", "one", f.clock.Now().Add(-time.Second), time.Minute); err != nil || check.ID != "" {
			t.Errorf("a login confirmed since: %+v, %v", check, err)
		}
		f.clock.Advance(time.Hour)
		var begun atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				check, err := f.BeginCheck(t.Context(), "ada", "one", f.clock.Now(), time.Minute)
				switch {
				case err != nil:
					t.Error(err)
				case check.ID != "":
					begun.Add(1)
				}
			})
		}
		group.Wait()
		if begun.Load() != 1 {
			t.Errorf("begun %d times", begun.Load())
		}
		standing, err := f.Standing(t.Context(), "ada", "one")
		if err != nil || !standing.Known || !standing.Checking {
			t.Errorf("%+v, %v", standing, err)
		}
		f.clock.Advance(time.Minute)
		check := f.check(t, "ada", "one")
		if string(check.AuthState) != `{"a":1}` || !check.Begun.Equal(f.clock.Now()) {
			t.Errorf("%+v", check)
		}
		if err := f.Abandon(t.Context(), check, time.Second); err != nil {
			t.Fatal(err)
		}
		if again, err := f.BeginCheck(t.Context(), "ada", "one", f.clock.Now(), time.Minute); err != nil || again.ID != "" {
			t.Errorf("in the rest: %+v, %v", again, err)
		}
		f.clock.Advance(time.Second)
		f.check(t, "ada", "one")
		if _, err := f.BeginCheck(t.Context(), "nobody", "one", f.clock.Now(), time.Minute); !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// Each authenticator finds the auth state that it left, whoever logged in since.
func TestAuthStateOfEach(t *testing.T) {
	f := newFixture(t)
	f.externally(t, "ada", "one", `"of one"`)
	f.externally(t, "ada", "two", `"of two"`)
	f.clock.Advance(time.Hour)
	one, two := f.check(t, "ada", "one"), f.check(t, "ada", "two")
	if string(one.AuthState) != `"of one"` || string(two.AuthState) != `"of two"` {
		t.Errorf("one finds %s, two %s", one.AuthState, two.AuthState)
	}
	if _, err := f.Confirm(t.Context(), one, Login{AuthState: json.RawMessage(`"newer"`)}); err != nil {
		t.Fatal(err)
	}
	user, err := f.User(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if state, err := f.AuthState(user); err != nil || string(state) != `"of two"` {
		t.Errorf("the user's is %s, %v", state, err)
	}
	f.clock.Advance(time.Hour)
	if again := f.check(t, "ada", "one"); string(again.AuthState) != `"newer"` {
		t.Errorf("one finds %s", again.AuthState)
	}
	// The login of one puts its state in front again, and that of two aside.
	f.externally(t, "ada", "one", "")
	f.clock.Advance(2 * time.Hour)
	one, two = f.check(t, "ada", "one"), f.check(t, "ada", "two")
	if one.AuthState != nil || string(two.AuthState) != `"of two"` {
		t.Errorf("one finds %s, two %s", one.AuthState, two.AuthState)
	}
}

// What ends a check that is no more writes nothing.
func TestOvertakenCheck(t *testing.T) {
	for name, overtake := range map[string]func(*testing.T, *fixture){
		"a login":  func(t *testing.T, f *fixture) { f.externally(t, "ada", "one", "") },
		"a check":  func(t *testing.T, f *fixture) { f.clock.Advance(time.Hour); f.check(t, "ada", "one") },
		"deletion": func(t *testing.T, f *fixture) { _ = f.DeleteUser(t.Context(), "ada") },
		"a namesake": func(t *testing.T, f *fixture) {
			_ = f.DeleteUser(t.Context(), "ada")
			f.externally(t, "ada", "one", "")
		},
		"another name": func(t *testing.T, f *fixture) {
			if _, err := f.ChangeUser(t.Context(), "ada", UserChange{Name: new("lovelace")}); err != nil {
				t.Fatal(err)
			}
		},
		"the zero check": nil,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.externally(t, "ada", "one", `1`)
			check := LoginCheck{User: "ada", Authenticator: "one"}
			if overtake != nil {
				f.clock.Advance(time.Hour)
				check = f.check(t, "ada", "one")
				overtake(t, f)
			}
			dump := f.dump(t)
			_, confirmed := f.Confirm(t.Context(), check, Login{Admin: new(true)})
			_, denied := f.Deny(t.Context(), check)
			for _, err := range []error{confirmed, denied, f.Abandon(t.Context(), check, time.Hour)} {
				if !errors.Is(err, ErrInvalid) {
					t.Errorf("%v", err)
				}
			}
			if string(dump) != string(f.dump(t)) {
				t.Error("something was written")
			}
		})
	}
}

// A user's new name takes the confirmation along; the sessions stay confirmed.
func TestRenamedLogin(t *testing.T) {
	f := newFixture(t)
	cookie := f.externally(t, "ada", "one", `1`)
	f.clock.Advance(time.Hour)
	check := f.check(t, "ada", "one")
	if rights, err := f.Confirm(t.Context(), check, Login{}); err != nil || rights {
		t.Fatalf("%v, %v", rights, err)
	}
	if _, err := f.ChangeUser(t.Context(), "ada", UserChange{Name: new("lovelace")}); err != nil {
		t.Fatal(err)
	}
	found, err := f.BySession(t.Context(), cookie)
	if err != nil || found.Name() != "lovelace" || !found.Session.Confirmed.Equal(check.Begun) {
		t.Errorf("%+v, %v", found, err)
	}
	f.read(t, func(r store.Reader) error {
		list, err := externalLogins.List(r, store.Page{Prefix: store.Under("ada")})
		if len(list) > 0 {
			t.Errorf("left behind: %v", list)
		}
		return err
	})
}

// Rights change together with the confirmation, and a namesake gets none of it.
func TestConfirm(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		cookie := f.externally(t, "ada", "one", "")
		for _, step := range []struct {
			change Login
			rights bool
		}{
			{Login{}, false},
			{Login{Admin: new(true)}, true},
			{Login{Admin: new(true), ManageGroups: true, Groups: []string{"b", "a"}}, true},
			{Login{ManageGroups: true, Groups: []string{"a", "b"}}, false},
			{Login{AuthState: json.RawMessage(`2`)}, false},
			{Login{ManageGroups: true}, true},
		} {
			f.clock.Advance(time.Hour)
			check := f.check(t, "ada", "one")
			rights, err := f.Confirm(t.Context(), check, step.change)
			if err != nil || rights != step.rights {
				t.Errorf("%+v: %v, %v", step.change, rights, err)
			}
			found, err := f.BySession(t.Context(), cookie)
			if err != nil || !found.Session.Confirmed.Equal(check.Begun) {
				t.Errorf("%+v: %v", found, err)
			}
			checkIndexes(t, f)
		}
	})
}
