package server

import (
	"context"
	"iter"

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

// progress is the record of what happened in one start.
type progress struct {
	SpawnID string `json:"spawn_id"`
	// Dropped is how many events are missing before the first one here.
	Dropped int     `json:"dropped,omitempty"`
	Events  []Event `json:"events"`
}

var progresses = store.Collection[progress]{Kind: "server_progress"}

// Progress tells what has happened in the start of a server and goes on to tell
// what happens, until the final event, the last one. It works on any node, for
// any number of listeners. A ready server has only its final event; so has one
// whose last start failed. The errors are ErrUser, ErrNotFound, ErrNotStarting
// as *Error, ErrClosed, that of the context, or the store's; an error ends the
// sequence. Waits are not bounded: writing keep-alives is up to the caller.
func (m *Manager) Progress(ctx context.Context, user, name string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { yield(Event{}, ErrClosed) }
}
