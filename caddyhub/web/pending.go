package web

import (
	"context"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// lull is how long the events of a start must pause to be all there are for now.
const lull = 5 * time.Millisecond

// spawnPending answers GET {hub}spawn-pending/USER/SERVER: what a server does,
// until it can be visited. It starts nothing.
func (c *call) spawnPending() error {
	user, name, err := c.spawned()
	if err != nil {
		return err
	}
	s, err := c.options.Servers.Get(c.r.Context(), user, name)
	switch {
	case err != nil:
		return err
	case s.Ready:
		return c.toServer(user, name)
	case s.Pending == server.PendingStop:
		return c.render(http.StatusOK, page.StopPending{ServerName: name, ForUser: c.unlessOwn(user)})
	case s.Pending != server.PendingNone:
		return c.showProgress(s)
	}
	return c.showStopped(s)
}

// showProgress shows a start with all that is known of it, so that the page can
// be read without scripts by loading it again.
func (c *call) showProgress(s server.Server) error {
	next, err := c.destination(s.User, c.options.Servers.URL(s.User, s.Name))
	if err != nil {
		return err
	}
	view := page.SpawnPending{
		ServerName: s.Name, ForUser: c.unlessOwn(s.User), NextURL: next,
		ProgressURL: c.apiURL(s.User, s.Name) + "/progress",
		RetryURL:    c.withNext(hubpath.Of(c.hub+"spawn/", s.User, s.Name)),
		Events:      c.events(s),
	}
	access, err := c.access("delete:servers", scope.OnServer(s.User, s.Name))
	if err != nil {
		return err
	}
	if access == scope.Granted {
		view.StopURL = hubpath.Of(c.hub+"stop/", s.User, s.Name)
	}
	return c.render(http.StatusOK, view)
}

// events are those of a start so far. The stream tells at once what it knows and
// waits then; the page does not.
func (c *call) events(s server.Server) []page.ProgressEvent {
	if s.Pending == server.PendingCheck {
		return []page.ProgressEvent{{Percent: -1, Message: "Checking whether the server still answers"}}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), patience)
	defer cancel()
	var events []page.ProgressEvent
	for event, err := range c.options.Servers.Progress(ctx, s.User, s.Name) {
		if err != nil {
			break // there are no more for now, or the page does without
		}
		if len(events) == 0 {
			defer time.AfterFunc(lull, cancel).Stop()
		}
		events = append(events, page.ProgressEvent{Percent: event.Percent, Message: event.Message})
	}
	return events
}
