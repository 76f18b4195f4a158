package proxy

import (
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// pool keeps connections that nobody uses, the latest first. Those that are kept
// too long, or that the upstream has closed, are closed by the clock, which runs
// only while there are any.
type pool struct {
	limit int
	keep  time.Duration
	now   func() time.Time

	mu      sync.Mutex
	targets map[route.Target][]*conn
	// sweeping says that the clock runs.
	sweeping bool
}

func newPool(limit int, keep time.Duration, now func() time.Time) *pool {
	return &pool{limit: limit, keep: keep, now: now, targets: make(map[route.Target][]*conn)}
}

// take returns a connection that is open and silent, or nil.
func (p *pool) take(to route.Target) *conn {
	for {
		c := p.pop(to)
		if c == nil || c.quiet() {
			return c
		}
		c.Close()
	}
}

func (p *pool) pop(to route.Target) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.targets[to]
	if len(idle) == 0 {
		return nil
	}
	last := len(idle) - 1
	c := idle[last]
	idle[last] = nil
	p.targets[to] = idle[:last]
	return c
}

// put keeps a connection, or closes it.
func (p *pool) put(c *conn) {
	if !p.push(c) {
		c.Close()
	}
}

func (p *pool) push(c *conn) bool {
	if p.keep < 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.targets[c.target]
	if len(idle) >= p.limit {
		return false
	}
	c.since = p.now()
	p.targets[c.target] = append(idle, c)
	if !p.sweeping {
		p.sweeping = true
		time.AfterFunc(p.keep/sweeps, p.sweep)
	}
	return true
}

// sweeps is how often connections are looked through while one is kept.
const sweeps = 4

// sweep closes what has been kept for too long or is closed at its other end.
func (p *pool) sweep() {
	oldest := p.now().Add(-p.keep)
	p.remove(func(c *conn) bool { return c.since.Before(oldest) || !c.quiet() })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sweeping = len(p.targets) > 0; p.sweeping {
		time.AfterFunc(p.keep/sweeps, p.sweep)
	}
}

func (p *pool) closeAll() { p.remove(func(*conn) bool { return true }) }

// remove closes the connections of which gone says so.
func (p *pool) remove(gone func(*conn) bool) {
	var closing []*conn
	p.mu.Lock()
	for to, idle := range p.targets {
		kept := idle[:0]
		for _, c := range idle {
			if gone(c) {
				closing = append(closing, c)
			} else {
				kept = append(kept, c)
			}
		}
		clear(idle[len(kept):])
		if p.targets[to] = kept; len(kept) == 0 {
			delete(p.targets, to)
		}
	}
	p.mu.Unlock()
	for _, c := range closing {
		c.Close()
	}
}
