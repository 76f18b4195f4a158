package proxy

import (
	"context"
	"sync"
	"time"
)

// tunnels are the open WebSockets of a proxy.
type tunnels struct {
	mu   sync.Mutex
	open map[*Tunnel]struct{}
	// poller watches those that are idle; nil if there are none.
	poller *poller
	// empty is closed when the last one has ended; nil if nobody waits.
	empty chan struct{}
	// leaving is the code that streams are closed with, the new ones too; 0 before.
	leaving int
}

func (s *tunnels) add(t *Tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		s.open, s.poller = make(map[*Tunnel]struct{}), newPoller()
	}
	s.open[t] = struct{}{}
	t.poller = s.poller
	if s.leaving != 0 && t.gone != nil {
		t.Close(s.leaving)
	}
}

func (s *tunnels) remove(t *Tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
	if len(s.open) > 0 {
		return
	}
	s.poller.close()
	if s.poller = nil; s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Tunnels is how many WebSockets are open.
func (p *Proxy) Tunnels() int {
	p.tunnels.mu.Lock()
	defer p.tunnels.mu.Unlock()
	return len(p.tunnels.open)
}

// CloseStreams ends the WebSockets that are streams of HTTP/2 and 3, and those that
// will be opened, with a close code: a server that stops waits for them. It does not
// wait itself.
func (p *Proxy) CloseStreams(code int) {
	p.tunnels.mu.Lock()
	defer p.tunnels.mu.Unlock()
	p.tunnels.leaving = code
	for t := range p.tunnels.open {
		if t.gone != nil {
			t.Close(code)
		}
	}
}

// CloseTunnels ends all open WebSockets with a close code (RFC 6455, 7.4.1), and
// returns when they have ended or the context has.
func (p *Proxy) CloseTunnels(ctx context.Context, code int) {
	p.tunnels.mu.Lock()
	empty := make(chan struct{})
	for t := range p.tunnels.open {
		t.Close(code)
	}
	if len(p.tunnels.open) == 0 {
		close(empty)
	} else {
		p.tunnels.empty = empty
	}
	p.tunnels.mu.Unlock()
	limit := time.NewTimer(2 * closeTimeout)
	defer limit.Stop()
	select {
	case <-empty:
	case <-limit.C:
	case <-ctx.Done():
	}
}
