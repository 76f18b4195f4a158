package route

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// node is one segment of the tree of routes. Nodes never change once they are
// reachable: a change makes new ones on its way down and shares the rest.
type node struct {
	route    *Route
	children *children
}

// children is a persistent hash trie from a decoded segment to its node, 32 ways
// at each level: a user's route is a few steps away among 100 000 siblings, and
// adding one copies those steps and not the siblings. Segments are chosen by
// users, so hashes are seeded; when all bits are used up, slots form a list.
type children struct {
	bitmap uint32
	slots  []slot
}

// slot holds one segment (value is set) or a deeper level.
type slot struct {
	segment string
	value   *node
	deeper  *children
}

const (
	levelBits = 5
	lastLevel = 60
)

// find returns the node of a segment, or nil.
func (c *children) find(hash uint64, segment string) *node {
	for shift := 0; c != nil && shift < lastLevel; shift += levelBits {
		bit := bitAt(hash, shift)
		if c.bitmap&bit == 0 {
			return nil
		}
		s := &c.slots[c.index(bit)]
		if s.value != nil {
			if s.segment == segment {
				return s.value
			}
			return nil
		}
		c = s.deeper
	}
	if c != nil {
		for i := range c.slots {
			if c.slots[i].segment == segment {
				return c.slots[i].value
			}
		}
	}
	return nil
}

// with returns the trie with a segment's node set.
func (c *children) with(seed maphash.Seed, shift int, segment string, value *node) *children {
	entry := slot{segment: segment, value: value}
	if c == nil {
		c = &children{}
	}
	if shift >= lastLevel {
		slots := slices.Clone(c.slots)
		if i := slices.IndexFunc(slots, entry.same); i >= 0 {
			slots[i] = entry
			return &children{slots: slots}
		}
		return &children{slots: append(slots, entry)}
	}
	bit := bitAt(maphash.String(seed, segment), shift)
	i := c.index(bit)
	if c.bitmap&bit == 0 {
		slots := make([]slot, len(c.slots)+1)
		copy(slots, c.slots[:i])
		slots[i] = entry
		copy(slots[i+1:], c.slots[i:])
		return &children{bitmap: c.bitmap | bit, slots: slots}
	}
	slots := slices.Clone(c.slots)
	switch old := slots[i]; {
	case old.deeper != nil:
		slots[i].deeper = old.deeper.with(seed, shift+levelBits, segment, value)
	case old.segment == segment:
		slots[i] = entry
	default:
		var deeper *children
		deeper = deeper.with(seed, shift+levelBits, old.segment, old.value)
		slots[i] = slot{deeper: deeper.with(seed, shift+levelBits, segment, value)}
	}
	return &children{bitmap: c.bitmap, slots: slots}
}

// without returns the trie with a segment removed, nil when nothing is left.
func (c *children) without(seed maphash.Seed, shift int, segment string) *children {
	if c == nil {
		return nil
	}
	bit, i := uint32(0), 0
	if shift >= lastLevel {
		if i = slices.IndexFunc(c.slots, (slot{segment: segment}).same); i < 0 {
			return c
		}
	} else {
		bit = bitAt(maphash.String(seed, segment), shift)
		i = c.index(bit)
		if c.bitmap&bit == 0 || c.slots[i].value != nil && c.slots[i].segment != segment {
			return c
		}
	}
	if old := c.slots[i]; old.deeper != nil {
		if deeper := old.deeper.without(seed, shift+levelBits, segment); deeper != nil {
			slots := slices.Clone(c.slots)
			slots[i].deeper = deeper
			return &children{bitmap: c.bitmap, slots: slots}
		}
	}
	if len(c.slots) == 1 {
		return nil
	}
	return &children{bitmap: c.bitmap &^ bit, slots: slices.Concat(c.slots[:i], c.slots[i+1:])}
}

// each calls use with every node; false from use ends it.
func (c *children) each(use func(*node) bool) bool {
	if c == nil {
		return true
	}
	for i := range c.slots {
		s := &c.slots[i]
		if s.deeper != nil && !s.deeper.each(use) || s.value != nil && !use(s.value) {
			return false
		}
	}
	return true
}

func (c *children) index(bit uint32) int { return bits.OnesCount32(c.bitmap & (bit - 1)) }

func (s slot) same(other slot) bool { return s.segment == other.segment }

func bitAt(hash uint64, shift int) uint32 { return 1 << (hash >> shift & 31) }
