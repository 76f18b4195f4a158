package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
)

// silent is an answer that costs nothing.
type silent struct{ header http.Header }

func (s silent) Header() http.Header          { return s.header }
func (silent) Write(data []byte) (int, error) { return len(data), nil }
func (silent) WriteHeader(int)                {}
func (s silent) forward(w http.ResponseWriter, _ *http.Request, _ route.Route) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// BenchmarkServe is what the gate costs an allowed request, without proxying.
func BenchmarkServe(b *testing.B) {
	s := newSiteOver(b, func(under store.Store) store.Store { return cached.New(under, cached.Options{}) })
	if err := s.servers.Start(b.Context(), "ada", "", nil); err != nil {
		b.Fatal(err)
	}
	eventually(b, "routed", func() bool { return s.routes.Table().Len() == 2 })
	for name, who := range map[string]change{"session": s.login("ada").in, "token": bearer(s.token("ada", "inherit"))} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/user/ada/api/contents/notebook.ipynb?content=1", nil)
			who(r)
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("User-Agent", "Mozilla/5.0")
			b.ReportAllocs()
			for b.Loop() {
				w := silent{make(http.Header)}
				if err := s.Serve(w, r, w.forward); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
