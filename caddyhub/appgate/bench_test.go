package appgate

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
)

// BenchmarkServe is what the gate adds to a request, with and without telling the
// app by a signed token.
func BenchmarkServe(b *testing.B) {
	s := newSiteOver(b, func(s store.Store) store.Store { return cached.New(s, cached.Options{}) })
	keys := identitytoken.NewKeys(identitytoken.KeysOptions{Store: s.store, Ring: s.directory.Keys()})
	if err := keys.Use(b.Context(), identitytoken.ES256); err != nil {
		b.Fatal(err)
	}
	by, err := identitytoken.New(identitytoken.Options{Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	_, _, ada := s.login("ada")
	for name, policy := range map[string]Policy{
		"users": {Users: []string{"ada"}}, "scopes": {Scopes: []string{ofGrafana}}, "anonymous": {Anonymous: true},
	} {
		for _, told := range []bool{false, true} {
			if told {
				name += " with a token"
			}
			b.Run(name, func(b *testing.B) {
				g := s.gate(policy)
				request := ask(http.MethodGet, "https://"+appHost+"/x", "Cookie", ada, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin")
				b.ReportAllocs()
				for b.Loop() {
					err := g.Serve(httptest.NewRecorder(), request, func(_ http.ResponseWriter, r *http.Request, visitor Visitor) error {
						if !told {
							return nil
						}
						_, err := visitor.Token(by, r, "")
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
