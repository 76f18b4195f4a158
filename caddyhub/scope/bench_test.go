package scope

import "testing"

// BenchmarkCheck is what the gate does on every request of a plain user.
func BenchmarkCheck(b *testing.B) {
	held := SelfScopes("ada")
	groups := memberships(map[string][]string{"ada": {"astro"}})
	for name, on := range map[string]Resource{
		"own server": OnServer("ada", "lab"), "other server": OnServer("grace", "lab"), "own user": OnUser("ada"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				held.Check("access:servers", on, groups)
			}
		})
	}
}

// BenchmarkCheckManyShares is a user with whom a thousand servers are shared.
func BenchmarkCheckManyShares(b *testing.B) {
	made := make(builder)
	for i := range 1000 {
		server := Server{User: string(rune('a'+i%26)) + "user", Name: string(rune('0' + i))}
		made.add(Filter{KindServer, server.String()}, "access:servers")
	}
	held := made.set()
	b.ReportAllocs()
	for b.Loop() {
		held.Check("access:servers", OnServer("muser", "lab"), nil)
	}
}

func BenchmarkExpand(b *testing.B) {
	d := Builtin()
	for name, scopes := range map[string][]string{"user": {Self}, "admin": append([]string{Self}, DefaultRoles()[1].Scopes...)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.Expand(scopes, ada); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkToken is the token of a single-user server.
func BenchmarkToken(b *testing.B) {
	d, held, scopes := Builtin(), SelfScopes("ada"), DefaultRoles()[2].Scopes
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Token(scopes, adaLab, held, nil); err != nil {
			b.Fatal(err)
		}
	}
}
