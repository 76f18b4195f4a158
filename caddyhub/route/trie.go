package route

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
)

// level is one level of the tree of routes, a persistent hash trie from a segment to
// its slot: 32 ways, then 32 ways more for the segments that share one, and so on. A
// user's route is a few steps away among 100 000 siblings, and adding one copies
// those steps and not the siblings. Segments are chosen by users, so hashes are
// seeded; when all bits are used up, slots form a list.
//
// Segments are percent-encoded, in the one way that routespecs are: those of a route
// are pieces of its text. Levels never change once they are reachable: a change
// makes new ones on its way down and shares the rest.
type level struct {
	// segment stands above the level; empty for the root, where hosts are, and if
	// more is true.
	segment string
	bitmap  uint32
	// more says that the level tells segments apart that share a slot of the level
	// above, rather than what comes behind one.
	more  bool
	slots []slot
}

// slot is one segment: the route that ends there, what goes on behind it, or both.
// If what is below has more, it is many segments, and there is no route.
type slot struct {
	route *Entry
	below *level
}

const (
	levelBits = 5
	lastLevel = 60
)

// segment that the slot is for, unless it is for many.
func (s *slot) segment() string {
	if s.below != nil {
		return s.below.segment
	}
	return s.route.key()
}

func (s *slot) many() bool { return s.below != nil && s.below.more }

// find returns the slot of a segment, or nil.
func find[K string | []byte](l *level, hash uint64, segment K) *slot {
	for shift := 0; l != nil; shift += levelBits {
		if shift >= lastLevel {
			return scan(l, segment)
		}
		i, _, found := l.place(hash, shift)
		if !found {
			return nil
		}
		s := &l.slots[i]
		if !s.many() {
			if s.segment() == string(segment) {
				return s
			}
			return nil
		}
		l = s.below
	}
	return nil
}

// scan is find in a list.
func scan[K string | []byte](l *level, segment K) *slot {
	for i := range l.slots {
		if l.slots[i].segment() == string(segment) {
			return &l.slots[i]
		}
	}
	return nil
}

// place is where a hash is in a level or, if it is not found, where it would be.
func (l *level) place(hash uint64, shift int) (i int, bit uint32, found bool) {
	bit = 1 << (hash >> shift & 31)
	return bits.OnesCount32(l.bitmap & (bit - 1)), bit, l.bitmap&bit != 0
}

// change is one change on its way through the tree.
type change struct {
	seed maphash.Seed
	// route to put; nil takes one away.
	route *Entry
	// own says that nobody else has seen the tree, so that levels may be changed
	// where they are.
	own bool
	// count is how many routes there are more.
	count int
}

// place is where a segment is in a level, see level.place. The slot may be another
// one's that shares it, but not in a list.
func (c *change) place(l *level, shift int, segment string) (i int, bit uint32, found bool) {
	if shift < lastLevel {
		return l.place(maphash.String(c.seed, segment), shift)
	}
	i = slices.IndexFunc(l.slots, func(s slot) bool { return s.segment() == segment })
	if i < 0 {
		return len(l.slots), 0, false
	}
	return i, 0, true
}

// put returns a level with the route under the segments that are left.
func (c *change) put(l *level, shift int, segments []string) *level {
	i, bit, found := c.place(l, shift, segments[0])
	if !found {
		return c.insert(l, i, bit, c.into(slot{}, segments))
	}
	switch old := l.slots[i]; {
	case old.many():
		return c.replace(l, i, slot{below: c.put(old.below, shift+levelBits, segments)})
	case old.segment() == segments[0]:
		return c.replace(l, i, c.into(old, segments))
	default:
		more := &level{more: true}
		j, bit, _ := c.place(more, shift+levelBits, old.segment())
		more = c.insert(more, j, bit, old)
		return c.replace(l, i, slot{below: c.put(more, shift+levelBits, segments)})
	}
}

// into puts the route into the slot of the first of the segments that are left.
func (c *change) into(s slot, segments []string) slot {
	if len(segments) == 1 {
		if s.route == nil {
			c.count++
		}
		s.route = c.route
		return s
	}
	below := s.below
	if below == nil {
		// A copy, which keeps no text of a route that may be gone.
		below = &level{segment: strings.Clone(segments[0])}
	}
	s.below = c.put(below, 0, segments[1:])
	return s
}

// remove returns a level without the route under the segments that are left: the
// same if there is none, nil if nothing is left.
func (c *change) remove(l *level, shift int, segments []string) *level {
	i, bit, found := c.place(l, shift, segments[0])
	if !found {
		return l
	}
	old := l.slots[i]
	next := slot{route: old.route}
	switch {
	case old.many():
		next.below = c.remove(old.below, shift+levelBits, segments)
		if l := next.below; l != nil && len(l.slots) == 1 && !l.slots[0].many() {
			next = l.slots[0] // nobody shares the slot any more
		}
	case old.segment() != segments[0]:
		return l
	case len(segments) == 1:
		if old.route == nil {
			return l
		}
		c.count--
		next = slot{below: old.below}
	case old.below != nil:
		next.below = c.remove(old.below, 0, segments[1:])
	}
	switch {
	case next == old:
		return l
	case next != slot{}:
		return c.replace(l, i, next)
	case len(l.slots) == 1:
		return nil
	}
	shorter := *l
	shorter.bitmap &^= bit
	shorter.slots = slices.Concat(l.slots[:i], l.slots[i+1:])
	return &shorter
}

// replace returns a level with another slot in a place.
func (c *change) replace(l *level, i int, s slot) *level {
	if !c.own {
		next := *l
		next.slots = slices.Clone(l.slots)
		l = &next
	}
	l.slots[i] = s
	return l
}

// insert returns a level with one slot more. There is never room for further ones.
func (c *change) insert(l *level, i int, bit uint32, s slot) *level {
	slots := make([]slot, len(l.slots)+1)
	copy(slots, l.slots[:i])
	slots[i] = s
	copy(slots[i+1:], l.slots[i:])
	if !c.own {
		next := *l
		l = &next
	}
	l.bitmap |= bit
	l.slots = slots
	return l
}

// each calls use with every route; false from use ends it.
func (l *level) each(use func(*Entry) bool) bool {
	if l == nil {
		return true
	}
	for i := range l.slots {
		s := &l.slots[i]
		if s.route != nil && !use(s.route) || !s.below.each(use) {
			return false
		}
	}
	return true
}
