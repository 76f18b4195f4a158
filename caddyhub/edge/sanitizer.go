package edge

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// sanitizer takes what is not an upstream's to say out of its answer, and adds
// what is ours. It is a Cleaner.
type sanitizer struct {
	request *http.Request
	hygiene *gate.Hygiene
	prefix  string
	// site are headers of the whole origin that are none of the upstream's.
	site gate.SiteHeaders
	// ours sets headers of the edge's own; nil if there are none.
	ours func()
	// apart keeps the answer from the pages of other users.
	apart separation
}

// Clean implements Cleaner.
func (s *sanitizer) Clean(h http.Header, status int, final bool) int {
	s.hygiene.SanitizeResponse(h, s.prefix)
	s.site.Restore(h)
	if !final {
		return status
	}
	if s.ours != nil {
		s.ours()
	}
	return s.apart.apply(s.request, h, status)
}
