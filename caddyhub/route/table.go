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

// tree is one state of a table: all hosts, "" among them, and what is below.
type tree struct {
	hosts *level
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
func (t *Table) Lookup(host, path string) (*Entry, bool) {
	hosts := t.current.Load().hosts
	if hosts != nil && len(hosts.slots) == 1 && !hosts.slots[0].many() && hosts.slots[0].segment() == "" {
		// No route is for one host alone: it need not be looked at.
		route := t.match(&hosts.slots[0], path)
		return route, route != nil
	}
	if host = canonicalHost(host); host != "" {
		if route := t.match(t.find(hosts, host), path); route != nil {
			return route, true
		}
	}
	route := t.match(t.find(hosts, ""), path)
	return route, route != nil
}

// Get returns the route with exactly this spec.
func (t *Table) Get(spec Spec) (*Entry, bool) {
	at := t.find(t.current.Load().hosts, spec.Host())
	for rest := strings.TrimPrefix(spec.Path(), "/"); rest != "" && at != nil; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		at = t.find(at.below, segment)
	}
	if at == nil || at.route == nil {
		return nil, false
	}
	return at.route, true
}

// Len is the number of routes.
func (t *Table) Len() int { return t.current.Load().count }

// All yields the routes of one instant, in no order.
func (t *Table) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) { t.current.Load().hosts.each(yield) }
}

// Set adds a route or replaces the one with its spec. It reports false, and does
// nothing, if the route has no spec or no target, or names that are too long.
func (t *Table) Set(route Route) bool {
	if !route.valid() {
		return false
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	known, _ := t.Get(route.Spec)
	entry := newEntry(&route, known)
	if entry == known {
		return true
	}
	next := *t.current.Load()
	next.put(&change{seed: t.seed, route: entry})
	t.current.Store(&next)
	return true
}

// Remove takes the route with this spec away and tells whether there was one.
func (t *Table) Remove(spec Spec) bool {
	t.writing.Lock()
	defer t.writing.Unlock()
	next := *t.current.Load()
	if next.hosts == nil {
		return false
	}
	c := &change{seed: t.seed}
	var buffer [MaxSegments + 1]string
	next.hosts = c.remove(next.hosts, 0, keys(buffer[:0], spec))
	next.count += c.count
	t.current.Store(&next)
	return c.count != 0
}

// Replace makes the table hold exactly these routes, at one instant. Those that the
// table would not take are left out.
func (t *Table) Replace(routes iter.Seq[Route]) {
	// There is no error but that of the function.
	_ = t.rebuild(func(add func(*Route)) error {
		for route := range routes {
			add(&route)
		}
		return nil
	})
}

// rebuild is Replace by the routes that a function adds. If that fails the table
// stays as it is.
func (t *Table) rebuild(read func(add func(*Route)) error) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	next := &tree{}
	err := read(func(route *Route) {
		if route.valid() {
			known, _ := t.Get(route.Spec)
			next.put(&change{seed: t.seed, route: newEntry(route, known), own: true})
		}
	})
	if err == nil {
		t.current.Store(next)
	}
	return err
}

// put adds the route of a change.
func (r *tree) put(c *change) {
	if r.hosts == nil {
		r.hosts = &level{}
	}
	var buffer [MaxSegments + 1]string
	r.hosts = c.put(r.hosts, 0, keys(buffer[:0], c.route.Spec()))
	r.count += c.count
}

// keys appends the host of a spec and its segments, as they stand in the tree.
func keys(to []string, spec Spec) []string {
	to = append(to, spec.Host())
	for rest := strings.TrimPrefix(spec.Path(), "/"); rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		to = append(to, segment)
	}
	return to
}

func (t *Table) find(l *level, segment string) *slot {
	return find(l, maphash.String(t.seed, segment), segment)
}

// match walks the tree along the path and returns the last route on the way.
func (t *Table) match(at *slot, path string) *Entry {
	if at == nil || path == "" || path[0] != '/' {
		return nil
	}
	best := at.route
	for rest := path[1:]; rest != "" && at.below != nil; {
		segment := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			segment, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if at = t.child(at.below, segment); at == nil {
			break
		}
		if at.route != nil {
			best = at.route
		}
	}
	return best
}

// child is the slot of a segment that may be encoded in another way than in the tree.
func (t *Table) child(l *level, segment string) *slot {
	if found := t.find(l, segment); found != nil || isPlain(segment) {
		return found
	}
	var buffer [MaxSpecLength]byte
	encoded, ok := encodeAgain(buffer[:0], segment)
	if !ok {
		return nil
	}
	return find(l, maphash.Bytes(t.seed, encoded), encoded)
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
