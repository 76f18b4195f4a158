package hub

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

const (
	// visitEvery is how often the visits of one credential to one server are
	// recorded: a page makes hundreds of requests.
	visitEvery = time.Hour
	// maxVisits bounds what is remembered for that. Beyond it some visits are
	// recorded again sooner.
	maxVisits = 10_000
)

// visits remembers who has been recorded as a visitor of whose server.
type visits struct {
	mu    sync.Mutex
	since map[visit]time.Time
}

// visit is a credential at a server.
type visit struct {
	actor        audit.Actor
	user, server string
}

// first says whether a visit has not been recorded for a while.
func (v *visits) first(of visit, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if at, known := v.since[of]; known && now.Sub(at) < visitEvery {
		return false
	}
	if v.since == nil || len(v.since) >= maxVisits {
		v.since = make(map[visit]time.Time)
	}
	v.since[of] = now
	return true
}

// edgeObserver tells metrics and audit log what becomes of requests for servers.
func (p *parts) edgeObserver() edge.Observer {
	return edge.Observer{
		Decided:     p.decided,
		Unreachable: p.metrics.Unreachable,
		Granted:     p.granted,
		Visited: func(r *http.Request, visitor *identity.Identity, user, server string) {
			actor := visitor.Actor()
			if !p.visits.first(visit{actor, user, server}, time.Now()) {
				return
			}
			event := audit.Event{Action: "server.access", Actor: actor, Target: audit.ServerOf(user, server)}
			if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
				event.Remote = address.Addr().Unmap()
			}
			p.audit.Record(context.WithoutCancel(r.Context()), event)
		},
	}
}

func (p *parts) decided(decision gate.Decision) {
	switch decision.Verdict {
	case gate.Allow:
		p.metrics.Allowed()
	case gate.Redirect:
		p.metrics.Redirected()
	case gate.Stopped:
		p.metrics.NotRunning()
	default:
		p.metrics.Refused(decision.Status)
	}
}
