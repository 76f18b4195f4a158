package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// keepAlive is how often a silent stream of progress gets an empty line, so that
// proxies on the way do not close it.
const keepAlive = 8 * time.Second

// told is one step of a progress.
type told struct {
	event server.Event
	err   error
}

// getProgress tells the progress of a start as server-sent events: "data:" lines
// without names, empty lines in between, and the final event last.
func getProgress(c *call) error {
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	steps := make(chan told)
	go func() {
		defer close(steps)
		for event, err := range c.options.Servers.Progress(ctx, c.user, c.server) {
			select {
			case steps <- told{event, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	// Nothing is written before it is known that there is something to tell.
	first, open := <-steps
	if !open {
		return server.ErrClosed
	}
	if first.err != nil {
		return c.notShown(first.err)
	}
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)
	stream := eventStream{c.w, http.NewResponseController(c.w)}
	if stream.alive() != nil || stream.send(first.event) != nil {
		return nil // the client has left
	}
	c.follow(stream, steps)
	return nil
}

// notShown is why there is no progress to show. JupyterHub does not say which of
// user and server is missing, and forgets a named server that is stopped.
func (c *call) notShown(err error) error {
	if errors.Is(err, server.ErrNotFound) || errors.Is(err, server.ErrNotStarting) && c.server != "" {
		return &failure{status: http.StatusNotFound, err: err}
	}
	return err
}

// follow passes on what happens until the final event or the client has left.
// When it cannot go on it just ends: the browser asks again, perhaps of another
// node, and no start is called a failure that is none.
func (c *call) follow(stream eventStream, steps <-chan told) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case step, open := <-steps:
			if !open {
				return
			}
			if step.err != nil {
				c.log.WarnContext(c.r.Context(), "progress interrupted", "user", c.user, "server", c.server, "error", step.err)
				return
			}
			if stream.send(step.event) != nil {
				return
			}
		case <-ticker.C:
			if stream.alive() != nil {
				return
			}
		case <-c.r.Context().Done():
			return
		}
	}
}

// eventStream writes server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s eventStream) send(event server.Event) error {
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return s.flush()
}

func (s eventStream) alive() error {
	if _, err := s.w.Write([]byte("\n\n")); err != nil {
		return err
	}
	return s.flush()
}

// flush sends what was written. Where that cannot be done it comes late, but it
// comes.
func (s eventStream) flush() error {
	if err := s.control.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
