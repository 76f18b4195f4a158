package identity

import (
	"fmt"
	"sync"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// BenchmarkBySession is what every request of a browser costs.
func BenchmarkBySession(b *testing.B) {
	f := newFixture(b)
	f.newUser(b, "ada")
	if _, err := f.SetGroups(b.Context(), "ada", []string{"astro", "staff"}); err != nil {
		b.Fatal(err)
	}
	cookie, _ := f.login(b, "ada")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.BySession(b.Context(), cookie); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkByToken is what every request of a program costs.
func BenchmarkByToken(b *testing.B) {
	f := newFixture(b)
	f.newUser(b, "ada")
	server := scope.Client{Server: scope.Server{User: "ada"}}
	_, session := f.login(b, "ada")
	secrets := map[string]string{"visitor": f.VisitorToken(&session, server)}
	secrets["api"], _ = f.token(b, NewToken{Owner: UserOwner("ada"), Scopes: []string{scope.Inherit}})
	secrets["server"], _ = f.token(b, NewToken{
		Owner: UserOwner("ada"), Scopes: scope.DefaultRoles()[2].Scopes, ClientID: "jupyterhub-user-ada", Client: server,
	})
	for kind, secret := range secrets {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.ByToken(b.Context(), secret); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCreateTokens makes 64 tokens at once, as a class that starts its
// servers does.
func BenchmarkCreateTokens(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *fixture{"embedded": newFixture, "redis": newRedisFixture} {
		b.Run(name, func(b *testing.B) {
			f := open(b)
			for i := range 64 {
				f.newUser(b, fmt.Sprintf("user%d", i))
			}
			for b.Loop() {
				var group sync.WaitGroup
				for i := range 64 {
					group.Go(func() {
						_, err := f.CreateToken(b.Context(), keyring.RandomToken(32), NewToken{Owner: UserOwner(fmt.Sprintf("user%d", i))})
						if err != nil {
							b.Error(err)
						}
					})
				}
				group.Wait()
			}
		})
	}
}

// BenchmarkApply is a start of a hub with 10 000 users.
func BenchmarkApply(b *testing.B) {
	f := newFixture(b)
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("user%d", i)
	}
	if _, err := f.CreateUsers(b.Context(), names, false); err != nil {
		b.Fatal(err)
	}
	configuration := Configuration{
		Admins: []string{"ada"},
		Roles:  []ConfiguredRole{{Role: Role{Name: "reader", Scopes: []string{"read:users"}}, Users: []string{"user1", "user2"}}},
	}
	for b.Loop() {
		f.apply(b, configuration)
	}
}
