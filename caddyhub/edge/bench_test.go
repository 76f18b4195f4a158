package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
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
	session := s.login("ada").in
	for name, who := range map[string]change{
		"navigation": func(r *http.Request) {
			session(r)
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		},
		"page":  s.page(session),
		"token": bearer(s.token("ada", "inherit")),
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/user/ada/api/contents/notebook.ipynb?content=1", nil)
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
			r.Header.Set("Accept-Language", "en-US,en;q=0.9")
			who(r)
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

// page makes a request what a script of an opened page sends.
func (s *site) page(session change) change {
	opened := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/user/ada/lab", nil)
	session(r)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if err := s.Serve(opened, r, silent{}.forward); err != nil {
		s.t.Fatal(err)
	}
	return func(r *http.Request) {
		session(r)
		for _, cookie := range opened.Result().Cookies() {
			r.AddCookie(cookie)
			if cookie.Name == browser.XSRFCookie {
				r.Header.Set("X-XSRFToken", cookie.Value)
			}
		}
		r.Header.Set("Origin", "http://"+r.Host)
		r.Header.Set("Referer", "http://"+r.Host+"/user/ada/lab")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Mode", "cors")
		r.Header.Set("Sec-Fetch-Dest", "empty")
	}
}
