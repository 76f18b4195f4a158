package hubproxy

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(Upstreams{})
}

// Upstreams is a source of upstreams for reverse_proxy: the target of the route
// that hub_auth found for the request. Without one there is no upstream.
type Upstreams struct{}

// CaddyModule returns the Caddy module information.
func (Upstreams) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.upstreams.hub", New: func() caddy.Module { return new(Upstreams) }}
}

// GetUpstreams returns the one upstream of the request. It never returns an
// error, which would make reverse_proxy try its static upstreams.
func (Upstreams) GetUpstreams(r *http.Request) ([]*reverseproxy.Upstream, error) {
	passage, ok := edge.PassageOf(r.Context())
	if !ok {
		return []*reverseproxy.Upstream{}, nil
	}
	// A target never holds a brace, so that the address is no placeholder.
	return []*reverseproxy.Upstream{{Dial: passage.Target.Address()}}, nil
}

// UnmarshalCaddyfile sets up the source. Syntax, in reverse_proxy:
//
//	dynamic hub
func (*Upstreams) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "dynamic hub", nil)
}

// WithRoute returns the request with the route that it has to take, for a handler
// before hub_proxy that is not hub_auth.
func WithRoute(r *http.Request, to route.Route) *http.Request {
	return r.WithContext(edge.WithPassage(r.Context(), &edge.Passage{Target: to.Target}))
}

// Interface guards
var (
	_ reverseproxy.UpstreamSource = (*Upstreams)(nil)
	_ caddyfile.Unmarshaler       = (*Upstreams)(nil)
)
