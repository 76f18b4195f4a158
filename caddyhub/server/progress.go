package server

import (
	"context"
	"errors"
	"html"
	"iter"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Event is one event of the progress stream, encoded as JupyterHub's ("1.4").
type Event struct {
	// Percent is 0 to 100.
	Percent int `json:"progress"`
	// Message is plain text.
	Message string `json:"message"`
	// HTML is markup to show in its place, safe to insert; empty for none.
	HTML string `json:"html_message,omitempty"`
	// Ready or Failed is set in the last event of a stream, and only there.
	Ready  bool `json:"ready,omitempty"`
	Failed bool `json:"failed,omitempty"`
	// URL is where a ready server is reached: a path, absolute with subdomains.
	URL string `json:"url,omitempty"`
}

// maxEvents bounds the record of one start; of more, the oldest are dropped.
const maxEvents = 200

// progress is the record of what happened in one start.
type progress struct {
	SpawnID string `json:"spawn_id"`
	// Dropped is how many events are missing before the first one here.
	Dropped int     `json:"dropped,omitempty"`
	Events  []Event `json:"events"`
}

const kindProgress = "server_progress"

var progresses = store.Collection[progress]{Kind: kindProgress}

func (p *progress) add(events []Event) {
	p.Events = append(p.Events, events...)
	if over := len(p.Events) - maxEvents; over > 0 {
		p.Events = p.Events[over:]
		p.Dropped += over
	}
}

// after returns the events from the given number on.
func (p progress) after(seen int) []Event {
	return p.Events[min(max(seen-p.Dropped, 0), len(p.Events)):]
}

// Progress tells what has happened in the start of a server and goes on to tell
// what happens, until the final event, the last one. It works on any node, for
// any number of listeners. A ready server has only its final event; so has one
// whose last start failed. The errors are ErrUser, ErrNotFound, ErrNotStarting
// as *Error, ErrClosed, that of the context, or the store's; an error ends the
// sequence. Waits are not bounded: writing keep-alives is up to the caller.
func (m *Manager) Progress(ctx context.Context, user, name string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		follower := follower{manager: m, user: user, name: name}
		changed, end := m.watch.on(store.Join(user, name))
		defer end()
		for {
			events, last, err := follower.next(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, event := range events {
				if !yield(event, nil) {
					return
				}
			}
			if last {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			case <-m.quiet.Done():
				yield(Event{}, ErrClosed)
				return
			}
		}
	}
}

// follower is one listener of a start.
type follower struct {
	manager    *Manager
	user, name string
	// spawnID is the start being followed, and seen how many of its events are known.
	spawnID string
	seen    int
}

// next returns the events that are new; last says that none will follow.
func (f *follower) next(ctx context.Context) (events []Event, last bool, err error) {
	var s Server
	var p progress
	err = f.manager.store.View(ctx, func(r store.Reader) error {
		if s, err = Get(r, f.user, f.name); err != nil {
			return err
		}
		p, _, err = progresses.Find(r, store.Join(f.user, f.name))
		return err
	})
	begun := f.spawnID != ""
	if begun && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrUser)) {
		// Called off and removed: that ends the stream, too.
		return []Event{cancelled(s.Started).event()}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if !begun {
		if event, final, err := f.manager.settled(s); err != nil || final {
			return []Event{event}, true, err
		}
	}
	if s.SpawnID != f.spawnID {
		f.spawnID, f.seen = s.SpawnID, 0
	}
	if p.SpawnID == s.SpawnID {
		events = p.after(f.seen)
		f.seen = p.Dropped + len(p.Events)
	}
	switch {
	case s.Ready:
		f.manager.shown(ctx, s)
		events, last = append(events[:len(events):len(events)], f.manager.readyEvent(s)), true
	case s.Failure != nil, s.Pending != PendingSpawn:
		events, last = append(events[:len(events):len(events)], s.Failure.event()), true
	}
	return events, last, nil
}

// settled is what there is to tell of a server whose start is over when the
// listener comes; final is false if the start is going on.
func (m *Manager) settled(s Server) (event Event, final bool, err error) {
	switch {
	case s.Pending == PendingSpawn:
		return Event{}, false, nil
	case s.Ready:
		return m.readyEvent(s), true, nil
	case s.Failure != nil:
		return s.Failure.event(), true, nil
	}
	return Event{}, true, refuse(ErrNotStarting, http.StatusBadRequest, "%s is not starting...", s.LogName())
}

func (m *Manager) readyEvent(s Server) Event {
	url := m.URL(s.User, s.Name)
	shown := html.EscapeString(url)
	return Event{
		Percent: 100,
		Ready:   true,
		Message: "Server ready at " + url,
		HTML:    `Server ready at <a href="` + shown + `">` + shown + `</a>`,
		URL:     url,
	}
}
