package identity

import (
	"errors"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Whatever record cannot be read, the answer is trouble: neither "invalid" nor
// fewer scopes, which would become a 401 or 403 (trap T3).
func TestTroubleIsNoRefusal(t *testing.T) {
	f := newFixture(t)
	f.apply(t, Configuration{
		Roles: []ConfiguredRole{{
			Role: Role{Name: "teacher", Scopes: []string{"access:servers!group=class"}}, Groups: []string{"staff"}, Services: []string{"portal"},
		}},
		Groups: []ConfiguredGroup{{Name: "class", Users: []string{"bob"}}, {Name: "staff", Users: []string{"ada"}}},
		Services: []ConfiguredService{
			{Service: Service{Name: "portal"}, APIToken: "token-of-the-portal"},
		},
	})
	cookie, session := f.login(t, "ada")
	lab := adaLab
	lab.Server.User = "bob"
	bobs, _ := f.token(t, NewToken{Owner: UserOwner("ada"), ClientID: "lab", Client: lab})
	credentials := map[string]func(*Directory) (*Identity, error){
		"session":        func(d *Directory) (*Identity, error) { return d.BySession(t.Context(), cookie) },
		"visitor token":  func(d *Directory) (*Identity, error) { return d.ByToken(t.Context(), f.VisitorToken(&session, lab)) },
		"token":          func(d *Directory) (*Identity, error) { return d.ByToken(t.Context(), bobs) },
		"service token":  func(d *Directory) (*Identity, error) { return d.ByToken(t.Context(), "token-of-the-portal") },
		"unknown token":  func(d *Directory) (*Identity, error) { return d.ByToken(t.Context(), "unknown-token") },
		"unknown cookie": func(d *Directory) (*Identity, error) { return d.BySession(t.Context(), "unknown.cookie") },
	}
	for name, find := range credentials {
		// Every single record that is read fails once, then the store as a whole.
		seen := make(map[store.Key]bool)
		for range 20 {
			var failed *store.Key
			broken := failingReads{f.store, func(key store.Key) bool {
				if failed == nil && !seen[key] {
					failed = &key
				}
				return failed != nil && *failed == key
			}}
			found, err := find(New(Options{Store: broken, Keys: f.ring, Now: f.clock.Now}))
			if failed == nil {
				break
			}
			seen[*failed] = true
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, ErrInvalid) || found != nil {
				t.Errorf("%s, without %v: %v, %v", name, *failed, found, err)
			}
		}
		if (name == "visitor token" || name == "token") && !seen[users.Key("bob")] {
			t.Errorf("%s: bob's groups were not asked for: %v", name, seen)
		}
		_, err := find(New(Options{Store: lost{}, Keys: f.ring, Now: f.clock.Now}))
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s, without the store: %v", name, err)
		}
	}
}
