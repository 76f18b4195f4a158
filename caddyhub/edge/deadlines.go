package edge

import (
	"container/heap"
	"time"
)

// deadlines are the sockets by when they are due to be decided about again, the
// first one first. It is a heap.Interface.
type deadlines []*entry

// entry is one socket in the list.
type entry struct {
	watched
	// on are the names that it is found by.
	on []string
	// due is when to decide about it without any news; zero for never.
	due time.Time
	// at is its place among the deadlines; -1 if it has none.
	at int
	// refused says that it has been told to end.
	refused bool
}

// Len implements heap.Interface.
func (d deadlines) Len() int { return len(d) }

// Less implements heap.Interface.
func (d deadlines) Less(i, j int) bool { return d[i].due.Before(d[j].due) }

// Swap implements heap.Interface.
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].at, d[j].at = i, j
}

// Push implements heap.Interface.
func (d *deadlines) Push(x any) {
	e := x.(*entry)
	e.at = len(*d)
	*d = append(*d, e)
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	e.at = -1
	return e
}

// set gives an entry another deadline; zero takes it out.
func (d *deadlines) set(e *entry, due time.Time) {
	e.due = due
	switch {
	case e.at < 0 && !due.IsZero():
		heap.Push(d, e)
	case e.at >= 0 && due.IsZero():
		heap.Remove(d, e.at)
	case e.at >= 0:
		heap.Fix(d, e.at)
	}
}

// until takes out all that is due at a time.
func (d *deadlines) until(now time.Time) []*entry {
	var due []*entry
	for len(*d) > 0 && !(*d)[0].due.After(now) {
		due = append(due, heap.Pop(d).(*entry))
	}
	return due
}
