package edge

import (
	"maps"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// idle is how long to wait when nothing has a deadline; anything long will do.
const idle = time.Hour

// everybody are all sockets that have not been told to end.
func (s *Sockets) everybody() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*entry, 0, len(s.open))
	for _, open := range s.open {
		if !open.refused {
			all = append(all, open)
		}
	}
	return all
}

// concerned are the sockets that changes may concern, each once.
func (s *Sockets) concerned(changes []store.Change) []*entry {
	var found map[*entry]struct{}
	for _, change := range changes {
		name, all := concerning(change)
		if all {
			return s.everybody()
		}
		if name == "" {
			continue
		}
		s.mu.Lock()
		for open := range s.by[name] {
			if found == nil {
				found = make(map[*entry]struct{})
			}
			found[open] = struct{}{}
		}
		s.mu.Unlock()
	}
	return slices.Collect(maps.Keys(found))
}

// overdue are the sockets whose deadline is over. They have none afterwards.
func (s *Sockets) overdue() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due.until(time.Now())
}

// untilDue is how long it is until the next deadline.
func (s *Sockets) untilDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) == 0 {
		return idle
	}
	return max(0, time.Until(s.due[0].due))
}

// add enters a socket that has been let in. Decide about it then: something may
// have changed before a change could bring it up.
func (s *Sockets) add(open watched, why grounds) *entry {
	e := &entry{watched: open, at: -1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[open] = e
	s.list(e, why.on)
	return e
}

// refuse says whether a socket is still to be told to end.
func (s *Sockets) refuse(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !e.refused
	e.refused = true
	s.due.set(e, time.Time{})
	return first
}

func (s *Sockets) remove(open watched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.open[open]
	if !found {
		return
	}
	delete(s.open, open)
	s.unlist(e)
	s.due.set(e, time.Time{})
}

// keep notes why a socket may stay, and when to ask again. moved says that changes
// of other names than before bring it up from now on.
func (s *Sockets) keep(e *entry, decision gate.Decision, why grounds) (moved bool) {
	due, soonest := why.due, time.Now().Add(reviewPause)
	if !decision.Allowed() {
		due = time.Now().Add(reviewAgain)
	}
	if !due.IsZero() && due.Before(soonest) {
		due = soonest
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[e.watched] != e || e.refused {
		return false // it has ended meanwhile
	}
	if decision.Allowed() && !slices.Equal(e.on, why.on) {
		s.unlist(e)
		s.list(e, why.on)
		moved = true
	}
	s.due.set(e, due)
	if len(s.due) > 0 && s.due[0] == e {
		signal(s.sooner)
	}
	return moved
}

func (s *Sockets) list(e *entry, on []string) {
	e.on = on
	for _, name := range on {
		named := s.by[name]
		if named == nil {
			named = make(map[*entry]struct{})
			s.by[name] = named
		}
		named[e] = struct{}{}
	}
}

func (s *Sockets) unlist(e *entry) {
	for _, name := range e.on {
		delete(s.by[name], e)
		if len(s.by[name]) == 0 {
			delete(s.by, name)
		}
	}
	e.on = nil
}
