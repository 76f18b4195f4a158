package cached

import (
	"container/list"
	"sync/atomic"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// overhead is what one record costs in memory beside its value, about.
const overhead = 256

// entry is a record in memory, or the knowledge that there is none.
type entry struct {
	record store.Record
	absent bool
	// since is a version of the store from which on, up to now, the record has
	// been as it is here.
	since uint64
	// mark is struck when the entry is thrown out.
	mark *mark
}

// mark tells those who remember what they made of an entry that it is no more.
type mark struct{ struck atomic.Bool }

// records are the entries in memory; those used longest ago are thrown out
// first. Not safe for concurrent use.
type records struct {
	maxRecords, maxBytes int
	bytes                int
	byKey                map[store.Key]*list.Element
	recent               *list.List // of entry, the last used in front
}

func newRecords(maxRecords, maxBytes int) *records {
	return &records{
		maxRecords: maxRecords, maxBytes: maxBytes,
		byKey: make(map[store.Key]*list.Element), recent: list.New(),
	}
}

func (r *records) len() int { return len(r.byKey) }

func (r *records) get(key store.Key) (entry, bool) {
	element, found := r.byKey[key]
	if !found {
		return entry{}, false
	}
	r.recent.MoveToFront(element)
	return element.Value.(entry), true
}

func (r *records) put(e entry) {
	r.remove(e.record.Key)
	e.mark = new(mark)
	r.byKey[e.record.Key] = r.recent.PushFront(e)
	r.bytes += e.size()
	for len(r.byKey) > r.maxRecords || r.bytes > r.maxBytes {
		r.remove(r.recent.Back().Value.(entry).record.Key)
	}
}

func (r *records) remove(key store.Key) {
	if element, found := r.byKey[key]; found {
		e := element.Value.(entry)
		e.mark.struck.Store(true)
		r.bytes -= e.size()
		r.recent.Remove(element)
		delete(r.byKey, key)
	}
}

func (r *records) clear() {
	for element := r.recent.Front(); element != nil; element = element.Next() {
		element.Value.(entry).mark.struck.Store(true)
	}
	clear(r.byKey)
	r.recent.Init()
	r.bytes = 0
}

func (e entry) size() int {
	return overhead + len(e.record.Value) + len(e.record.Key.ID)
}
