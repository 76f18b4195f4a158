package route

import (
	"hash/maphash"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
)

// Table resolves requests to routes. Readers never wait: each sees the table as
// it was at one instant. Make one with NewTable.
type Table struct {
	seed    maphash.Seed
	current atomic.Pointer[tree]
	// writing makes changes one after the other; it guards no field.
	writing sync.Mutex
}

// tree is one state of a table: the roots of all hosts, "" among them.
type tree struct {
	hosts *children
	count int
}

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{seed: maphash.MakeSeed()}
	t.current.Store(&tree{})
	return t
}

// Lookup returns the route that serves a path of a host: the longest match among
// the routes for that very host, else among those for every host. The host may
// have a port and upper case letters. The path must be canonical (see package
// gate) and still percent-encoded; a malformed escape ends the match there.
func (t *Table) Lookup(host, path string) (*Route, bool) {
	hosts := t.current.Load().hosts
	if host = canonicalHost(host); host != "" {
		if route := t.match(t.find(hosts, host), path); route != nil {
			return route, true
		}
	}
	route := t.match(t.find(hosts, ""), path)
	return route, route != nil
}

// Get returns the route with exactly this spec.
func (t *Table) Get(spec Spec) (*Route, bool) {
	at := t.find(t.current.Load().hosts, spec.host)
	for _, segment := range spec.Segments() {
		if at == nil {
			return nil, false
		}
		at = t.find(at.children, segment)
	}
	if at == nil || at.route == nil {
		return nil, false
	}
	return at.route, true
}

// Len is the number of routes.
func (t *Table) Len() int { return t.current.Load().count }

// All yields the routes of one instant, in no order.
func (t *Table) All() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		t.current.Load().hosts.each(func(n *node) bool { return n.each(yield) })
	}
}

// Set adds a route or replaces the one with its spec. It reports false, and does
// nothing, if the route has no spec or no target.
func (t *Table) Set(route Route) bool {
	if route.Spec.IsZero() || route.Target.IsZero() {
		return false
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	known, _ := t.Get(route.Spec)
	route.succeed(known)
	t.current.Store(t.current.Load().with(t.seed, &route))
	return true
}

// Remove takes the route with this spec away and tells whether there was one.
func (t *Table) Remove(spec Spec) bool {
	t.writing.Lock()
	defer t.writing.Unlock()
	current := t.current.Load()
	next := current.without(t.seed, spec)
	t.current.Store(next)
	return next != current
}

// Replace makes the table hold exactly these routes, at one instant.
func (t *Table) Replace(routes iter.Seq[Route]) {
	t.writing.Lock()
	defer t.writing.Unlock()
	next := &tree{}
	for route := range routes {
		if !route.Spec.IsZero() && !route.Target.IsZero() {
			known, _ := t.Get(route.Spec)
			route.succeed(known)
			next = next.with(t.seed, &route)
		}
	}
	t.current.Store(next)
}

func (t *Table) find(c *children, segment string) *node {
	return c.find(maphash.String(t.seed, segment), segment)
}

// match walks the tree along the path and returns the last route on the way.
func (t *Table) match(at *node, path string) *Route {
	if at == nil || path == "" || path[0] != '/' {
		return nil
	}
	best := at.route
	for rest := path[1:]; rest != "" && at.children != nil; {
		segment := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			segment, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if at = t.child(at, segment); at == nil {
			break
		}
		if at.route != nil {
			best = at.route
		}
	}
	return best
}

// child is the node below at of a segment that is still percent-encoded.
func (t *Table) child(at *node, segment string) *node {
	if strings.IndexByte(segment, '%') < 0 {
		return t.find(at.children, segment)
	}
	var buffer [128]byte
	decoded, ok := unescape(buffer[:0], segment)
	if !ok {
		return nil
	}
	return t.find(at.children, string(decoded))
}

func (r *tree) with(seed maphash.Seed, route *Route) *tree {
	added := 1
	var set func(at *node, rest []string) *node
	set = func(at *node, rest []string) *node {
		next := node{}
		if at != nil {
			next = *at
		}
		if len(rest) == 0 {
			if next.route != nil {
				added = 0
			}
			next.route = route
			return &next
		}
		below := next.children.find(maphash.String(seed, rest[0]), rest[0])
		next.children = next.children.with(seed, 0, rest[0], set(below, rest[1:]))
		return &next
	}
	root := set(&node{children: r.hosts}, append([]string{route.Spec.host}, route.Spec.Segments()...))
	return &tree{hosts: root.children, count: r.count + added}
}

func (r *tree) without(seed maphash.Seed, spec Spec) *tree {
	removed := 0
	var cut func(at *node, rest []string) *node
	cut = func(at *node, rest []string) *node {
		next := *at
		if len(rest) == 0 {
			if next.route != nil {
				removed = 1
			}
			next.route = nil
		} else if below := next.children.find(maphash.String(seed, rest[0]), rest[0]); below != nil {
			if below = cut(below, rest[1:]); below != nil {
				next.children = next.children.with(seed, 0, rest[0], below)
			} else {
				next.children = next.children.without(seed, 0, rest[0])
			}
		}
		if next.route == nil && next.children == nil {
			return nil
		}
		return &next
	}
	root := cut(&node{children: r.hosts}, append([]string{spec.host}, spec.Segments()...))
	if removed == 0 {
		return r
	}
	if root == nil {
		return &tree{}
	}
	return &tree{hosts: root.children, count: r.count - removed}
}

func (n *node) each(yield func(*Route) bool) bool {
	if n.route != nil && !yield(n.route) {
		return false
	}
	return n.children.each(func(below *node) bool { return below.each(yield) })
}

// canonicalHost takes the port off a host, and the brackets off an address.
func canonicalHost(host string) string {
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return strings.ToLower(host[1:end])
		}
		return host
	}
	if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.ToLower(host)
}
