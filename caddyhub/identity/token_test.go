package identity

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var (
	adaLab  = scope.Client{Server: scope.Server{User: "ada"}}
	inherit = []string{scope.Inherit}
)

func TestTokens(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	f.apply(t, Configuration{Services: []ConfiguredService{{Service: Service{Name: "portal"}}}})
	for name, test := range map[string]struct {
		secret  string
		details NewToken
		want    error // nil, or any if errAny
	}{
		"of a user":           {"12345678", NewToken{Owner: UserOwner("ada"), Scopes: inherit}, nil},
		"of a service":        {"abcdefgh", NewToken{Owner: ServiceOwner("portal"), Scopes: inherit}, nil},
		"of nobody":           {"12345679", NewToken{Owner: UserOwner("eve")}, ErrNotFound},
		"of no service":       {"12345679", NewToken{Owner: ServiceOwner("eve")}, ErrNotFound},
		"without an owner":    {"12345679", NewToken{}, ErrNotFound},
		"too short":           {"1234567", NewToken{Owner: UserOwner("ada")}, errAny},
		"too long":            {strings.Repeat("x", maxTokenLength+1), NewToken{Owner: UserOwner("ada")}, errAny},
		"like a visitor's":    {VisitorPrefix + "12345678", NewToken{Owner: UserOwner("ada")}, errAny},
		"the longest":         {strings.Repeat("x", maxTokenLength), NewToken{Owner: UserOwner("ada"), Scopes: inherit}, nil},
		"of bytes, not runes": {"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", NewToken{Owner: UserOwner("ada"), Scopes: inherit}, nil},
	} {
		token, err := f.CreateToken(t.Context(), test.secret, test.details)
		if (err == nil) != (test.want == nil) || test.want != errAny && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			if strings.Contains(err.Error(), test.secret) {
				t.Errorf("%s: the error tells the secret: %v", name, err)
			}
			continue
		}
		found, err := f.ByToken(t.Context(), test.secret)
		if err != nil || found.Owner != test.details.Owner || found.Token.ID != token.ID {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if _, err := f.CreateToken(t.Context(), "12345678", NewToken{Owner: ServiceOwner("portal")}); !errors.Is(err, ErrExists) {
		t.Errorf("the secret of another: %v", err)
	}
}

var errAny = errors.New("any error")

func TestTokensThatAreNone(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	secret, token := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
	for name, value := range map[string]string{
		"empty": "", "short": "1234567", "prefix": secret[:20], "longer": secret + "x", "endless": strings.Repeat("x", 1<<20),
		"the id": token.ID, "the hash": f.tokenHash(secret), "upper case": strings.ToUpper(secret), "a space": secret + " ",
	} {
		if found, err := f.ByToken(t.Context(), value); !errors.Is(err, ErrInvalid) || found != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

func TestTokenExpiry(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		secret, token := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit, Lifetime: time.Hour})
		f.Activity().Touch(ActivityOfToken(token.ID), f.clock.Now())
		if err := f.Activity().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Hour - time.Millisecond)
		if _, err := f.ByToken(t.Context(), secret); err != nil {
			t.Errorf("before its end: %v", err)
		}
		f.clock.Advance(time.Millisecond)
		if _, err := f.ByToken(t.Context(), secret); !errors.Is(err, ErrInvalid) {
			t.Errorf("at its end: %v", err)
		}
		for _, kind := range []string{"token", "token_of_owner", "token_of_client", "activity"} {
			if left := f.records(t, kind); len(left) > 0 {
				t.Errorf("left of kind %s: %q", kind, left)
			}
		}
	})
}

// Revoking one token of an OAuth client revokes all that it has of the owner;
// plain ones go alone (JupyterHub 1.5).
func TestDeleteToken(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		f.newUser(t, "bob")
		make := func(user, client string) Token {
			_, token := f.token(t, NewToken{Owner: UserOwner(user), Scopes: inherit, ClientID: client})
			return token
		}
		plain, other := make("ada", ""), make("ada", "")
		lab, lab2 := make("ada", "lab"), make("ada", "lab")
		hub, bobs := make("ada", "hub"), make("bob", "lab")
		if err := f.DeleteToken(t.Context(), UserOwner("bob"), lab.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("the token of another: %v", err)
		}
		for _, id := range []string{"", "a", "a0", "a01", "a-1", "b1", "a99999999999999999999", plain.ID + "/", "../" + plain.ID} {
			if err := f.DeleteToken(t.Context(), UserOwner("ada"), id); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		for _, id := range []string{plain.ID, lab2.ID} {
			if err := f.DeleteToken(t.Context(), UserOwner("ada"), id); err != nil {
				t.Fatal(err)
			}
		}
		var left []string
		f.read(t, func(r store.Reader) error {
			left = nil
			for _, owner := range []Owner{UserOwner("ada"), UserOwner("bob")} {
				list, err := Tokens(r, owner)
				if err != nil {
					return err
				}
				for _, token := range list {
					left = append(left, token.ID)
				}
			}
			ofLab, err := ClientTokens(r, "lab", Owner{})
			if err != nil || len(ofLab) != 1 || ofLab[0].ID != bobs.ID {
				t.Errorf("of the client: %v, %v", ofLab, err)
			}
			return nil
		})
		want := []string{other.ID, hub.ID}
		slices.Sort(want)
		if diff := cmp.Diff(append(want, bobs.ID), left); diff != "" {
			t.Error(diff)
		}
	})
}

// Tokens that are made in the same instant have different ids; later ones come
// later in the list.
func TestTokenIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { f.token(t, NewToken{Owner: UserOwner("ada")}) })
		}
		group.Wait()
		f.clock.Advance(time.Millisecond)
		_, last := f.token(t, NewToken{Owner: UserOwner("ada")})
		var list []Token
		f.read(t, func(r store.Reader) (err error) {
			list, err = Tokens(r, UserOwner("ada"))
			return err
		})
		seen := make(map[string]bool)
		for _, token := range list {
			number, ok := tokenNumber(token.ID)
			if seen[token.ID] || !ok || number > numberID(1<<53) {
				t.Errorf("id %s", token.ID)
			}
			seen[token.ID] = true
		}
		if len(list) != 101 || list[100].ID != last.ID {
			t.Errorf("%d tokens, the last is not the latest", len(list))
		}
	})
}

// Tokens from before a rotation work and move to the new key when they are
// used, so that the old key can go; new ones never depend on it.
func TestTokensAfterRotation(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		used, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit, Lifetime: time.Hour})
		unused, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
		cookie, session := f.login(t, "ada")
		visitor := f.VisitorToken(&session, adaLab)
		old := f.ring.Keys()
		rotated := append([]keyring.Key{keyring.NewKey(f.clock.Now())}, old...)
		if err := f.ring.Replace(rotated); err != nil {
			t.Fatal(err)
		}
		fresh, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if _, err := f.ByToken(t.Context(), used); err != nil {
					t.Errorf("a token from before: %v", err)
				}
			})
		}
		group.Wait()
		if _, err := f.ByToken(t.Context(), visitor); err != nil {
			t.Errorf("a visitor token from before: %v", err)
		}
		if _, err := f.BySession(t.Context(), cookie); err != nil {
			t.Errorf("a session from before: %v", err)
		}
		if err := f.ring.Replace(rotated[:1]); err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			secret string
			want   error
		}{"used": {used, nil}, "unused": {unused, ErrInvalid}, "new": {fresh, nil}, "visitor": {visitor, ErrInvalid}} {
			if _, err := f.ByToken(t.Context(), test.secret); !errors.Is(err, test.want) {
				t.Errorf("%s, without the old key: %v", name, err)
			}
		}
		checkIndexes(t, f)
		f.clock.Advance(time.Hour)
		if _, err := f.ByToken(t.Context(), used); !errors.Is(err, ErrInvalid) {
			t.Errorf("hashed anew, the token outlives its end: %v", err)
		}
	})
}

// When a token cannot be hashed anew, it still works, and not every use tries.
func TestRehashFails(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	secret, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
	if err := f.ring.Replace(append(f.ring.Keys(), keyring.NewKey(f.clock.Now()))); err != nil {
		t.Fatal(err)
	}
	readOnly := &noUpdates{Store: f.store}
	d := New(Options{Store: readOnly, Keys: f.ring, Now: f.clock.Now})
	for range 5 {
		if _, err := d.ByToken(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.Advance(rehashPause)
	if _, err := d.ByToken(t.Context(), secret); err != nil || readOnly.tries != 2 {
		t.Errorf("%d tries, %v", readOnly.tries, err)
	}
}
