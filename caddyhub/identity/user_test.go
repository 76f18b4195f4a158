package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Names are kept byte for byte, or refused before anything is written.
func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"ada": true, "Ada Lovelace@example.org": true, "a/b": true, "a%2Fb": true, "..": true, "ä漢字🙂": true, "\x00": true, " ": true,
		"a\nb": true, strings.Repeat("x", MaxNameLength): true, strings.Repeat("漢", 44): true, strings.Repeat("/", 133): true,
		"": false, strings.Repeat("x", MaxNameLength+1): false, strings.Repeat("漢", 45): false, strings.Repeat("/", 134): false,
		"a\xff": false, "\xed\xa0\x80": false, strings.Repeat("x", 1<<20): false,
	} {
		f := newFixture(t)
		short := name[:min(len(name), 40)]
		_, err := f.CreateUser(t.Context(), name, true)
		if (err == nil) != good || err != nil && !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", short, err)
		}
		_, errGroups := f.SetGroups(t.Context(), name, []string{name, "staff"})
		if _, err := f.RecordLogin(t.Context(), Login{Name: name}); (err == nil) != good {
			t.Errorf("%q: login: %v", short, err)
		}
		service := Configuration{Services: []ConfiguredService{{Service: Service{Name: name}, APIToken: "a-token-of-it"}}}
		if err := f.Apply(t.Context(), service); (err == nil) != good || (errGroups == nil) != good {
			t.Errorf("%q: as a service %v, as a group %v", short, err, errGroups)
		}
		if !good {
			for _, kind := range allKinds {
				if left := f.records(t, kind); len(left) > 0 {
					t.Errorf("%q: left of kind %s: %q", short, kind, left)
				}
			}
			continue
		}
		cookie, _ := f.login(t, name)
		secret, _ := f.token(t, NewToken{Owner: UserOwner(name), Scopes: inherit, ClientID: strings.Repeat("c", maxClientID), Lifetime: time.Hour})
		for _, find := range []func() (*Identity, error){
			func() (*Identity, error) { return f.BySession(t.Context(), cookie) },
			func() (*Identity, error) { return f.ByToken(t.Context(), secret) },
		} {
			if found, err := find(); err != nil || found.Name() != name || found.User.Name != name {
				t.Errorf("%q comes back as %v, %v", short, found, err)
			}
		}
		members, err := read(f, func(r store.Reader) ([]string, error) { return Members(r, name) })
		if diff := cmp.Diff([]string{name}, members); diff != "" || err != nil {
			t.Errorf("%q: members: %v, %s", short, err, diff)
		}
		if err := f.DeleteUser(t.Context(), name); err != nil {
			t.Errorf("%q: %v", short, err)
		}
		checkIndexes(t, f)
	}
}

func TestUsersInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprintf("user%d", 25-i))
		}
		for _, name := range want {
			f.newUser(t, name)
		}
		if err := f.DeleteUser(t.Context(), "user20"); err != nil {
			t.Fatal(err)
		}
		want = append(want[:5], want[6:]...)
		f.newUser(t, "user20") // again, now the youngest
		want = append(want, "user20")
		for _, limit := range []int{0, 1, 7, 25, 26, store.MaxPage} {
			var got []string
			var after uint64
			for {
				page, err := f.Users(t.Context(), after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, user := range page {
					got, after = append(got, user.Name), user.Number
				}
				if limit > 0 && len(page) > limit {
					t.Fatalf("a page of %d for a limit of %d", len(page), limit)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by %d: %s", limit, diff)
			}
		}
	})
}

// Numbers are never used again, however many users are made at once.
func TestUserNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		var group sync.WaitGroup
		var mu sync.Mutex
		seen := make(map[uint64]bool)
		for i := range 20 {
			group.Go(func() {
				user, err := f.CreateUser(t.Context(), fmt.Sprintf("user%d", i), false)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[user.Number] || user.Number == 0 {
					t.Errorf("number %d again", user.Number)
				}
				seen[user.Number] = true
				if err := f.DeleteUser(t.Context(), user.Name); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		// One of many that create the same user does.
		created := 0
		for range 10 {
			group.Go(func() {
				_, err := f.CreateUser(t.Context(), "ada", false)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					created++
				} else if !errors.Is(err, ErrExists) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if created != 1 {
			t.Errorf("created %d times", created)
		}
	})
}

func TestRecordLogin(t *testing.T) {
	f := newFixture(t)
	yes, no := true, false
	for i, step := range []struct {
		login  Login
		admin  bool
		groups []string
		state  string
	}{
		{Login{Name: "ada", Authenticator: "one", AuthState: json.RawMessage(`{"a":1}`)}, false, nil, `{"a":1}`},
		{Login{Name: "ada", Authenticator: "two", Admin: &yes, ManageGroups: true, Groups: []string{"b", "a", "b"}}, true, []string{"a", "b"}, ""},
		{Login{Name: "ada", Groups: []string{"ignored"}, AuthState: json.RawMessage(`[]`)}, true, []string{"a", "b"}, `[]`},
		{Login{Name: "ada", Admin: &no, ManageGroups: true, Groups: []string{"b", "c"}}, false, []string{"b", "c"}, ""},
		{Login{Name: "ada", ManageGroups: true}, false, nil, ""},
	} {
		f.clock.Advance(time.Minute)
		if _, err := f.RecordLogin(t.Context(), step.login); err != nil {
			t.Fatal(err)
		}
		user, err := f.User(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		state, err := f.AuthState(user)
		if err != nil || string(state) != step.state || user.Admin != step.admin || user.Authenticator != step.login.Authenticator ||
			user.Number != 1 {
			t.Errorf("step %d: %+v, %s, %v", i, user, state, err)
		}
		if diff := cmp.Diff(step.groups, user.Groups); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
		checkIndexes(t, f)
	}
}

// UpdateUser changes what it may and leaves what is not its own.
func TestUpdateUser(t *testing.T) {
	f := newFixture(t)
	before := f.newUser(t, "ada")
	if _, err := f.SetGroups(t.Context(), "ada", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	after, err := f.UpdateUser(t.Context(), "ada", func(user *User) error {
		user.Name, user.Number, user.Created = "eve", 99, time.Time{}
		user.Groups[0] = "x"
		user.Roles = []string{"w", "r", "w"}
		return nil
	})
	want := before
	want.Groups, want.Roles = []string{"a", "b"}, []string{"r", "w"}
	if diff := cmp.Diff(want, after); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	checkIndexes(t, f)
	refused := errors.New("refused")
	if _, err := f.UpdateUser(t.Context(), "ada", func(user *User) error { user.Admin = true; return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if stored, err := f.User(t.Context(), "ada"); err != nil || stored.Admin {
		t.Errorf("a refused change was written: %v", err)
	}
}

// What a caller does to an identity does not reach the next one.
func TestIdentitiesAreTheirOwn(t *testing.T) {
	f := newFixture(t)
	cookies, secrets, _ := populate(t, f, "ada")
	for range 2 {
		byCookie, err := f.BySession(t.Context(), cookies[0])
		if err != nil {
			t.Fatal(err)
		}
		byToken, err := f.ByToken(t.Context(), secrets[0])
		if err != nil {
			t.Fatal(err)
		}
		if byCookie.User.Groups[0] != "astro" || byToken.User.Roles[0] != "reader" || byToken.Token.Scopes[0] != scope.Inherit || byCookie.Session.SecretHash[0] == 0 && byCookie.Session.SecretHash[1] == 0 {
			t.Errorf("changed by the one before: %+v, %+v", byCookie.User, byToken.Token)
		}
		byCookie.User.Groups[0], byToken.User.Roles[0], byToken.Token.Scopes[0] = "x", "x", "x"
		clear(byCookie.Session.SecretHash)
		clear(byCookie.User.SealedAuthState)
	}
}
