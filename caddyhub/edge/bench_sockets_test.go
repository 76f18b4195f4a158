package edge

import (
	"net/http/httptest"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
)

// BenchmarkReview decides about one open WebSocket again after a change that may
// concern it and takes nothing away.
func BenchmarkReview(b *testing.B) {
	s := newSiteOver(b, func(s store.Store) store.Store { return cached.New(s, cached.Options{}) })
	s.start("ada", "")
	r := httptest.NewRequest("GET", "/user/ada/api/kernels", nil)
	socket(r)
	s.login("ada").in(r)
	v := s.look(r, Rules{})
	if !v.decide(s.links(r)).Allowed() {
		b.Fatal("refused")
	}
	open := &webSocket{edge: s.Edge, asked: s.essenceOf(r, v)}
	entered := s.options.Sockets.add(open, s.grounds(v))
	b.ReportAllocs()
	for b.Loop() {
		s.options.Sockets.decide(b.Context(), entered)
	}
}
