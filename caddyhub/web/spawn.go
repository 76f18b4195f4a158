package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// spawn answers GET {hub}spawn, {hub}spawn/USER and {hub}spawn/USER/SERVER. With
// options in the query it starts the server: links elsewhere rely on it. Else it
// asks for options, and where nothing is asked it starts the server with those
// of the last time.
func (c *call) spawn() error {
	user, name, err := c.spawned()
	if err != nil {
		return err
	}
	if name != "" && !c.options.Named.Enabled {
		return &failure{status: http.StatusBadRequest, message: "Named servers are not enabled."}
	}
	s, err := c.options.Servers.Get(c.r.Context(), user, name)
	switch {
	case err != nil && !errors.Is(err, server.ErrNotFound):
		return err
	case s.Ready:
		return c.toServer(user, name)
	case s.Active():
		return c.redirect(c.pendingURL(user, name), http.StatusFound)
	}
	if len(c.parameters()) == 0 && c.options.UserOptions.Asks() {
		err = c.options.Servers.MayStart(c.r.Context(), user, name)
		if err == nil {
			return c.showOptions(user, name, s.UserOptions, refusal{status: http.StatusOK})
		}
		return c.orGo(user, name, err)
	}
	var options json.RawMessage // those of the last time
	if len(c.parameters()) > 0 {
		if options, err = c.queryOptions(); err != nil {
			return err
		}
	}
	return c.orGo(user, name, c.start(user, name, options))
}

// orGo goes on to a server that somebody else has started meanwhile.
func (c *call) orGo(user, name string, err error) error {
	switch {
	case errors.Is(err, server.ErrPending):
		return c.redirect(c.pendingURL(user, name), http.StatusFound)
	case errors.Is(err, server.ErrRunning):
		return c.toServer(user, name)
	}
	return err
}

// spawnByForm answers POST on the same addresses: the form has the options.
func (c *call) spawnByForm() error {
	user, name, err := c.spawned()
	if err != nil {
		return err
	}
	options, err := c.formOptions()
	if err != nil {
		return err
	}
	return c.start(user, name, options)
}

// spawned is the server that the path names, if the visitor may start it.
func (c *call) spawned() (user, name string, err error) {
	user = cmp.Or(c.names["user"], c.visit.Identity.Name())
	name = c.names["server"]
	return user, name, c.permit("servers", scope.OnServer(user, name))
}

// start starts a server and shows what comes of it: an early failure, or its
// progress. A failure is shown on the form, if there is one.
func (c *call) start(user, name string, options json.RawMessage) error {
	ctx := c.r.Context()
	asks := c.options.UserOptions.Asks()
	c.did(actionStart, audit.ServerOf(user, name))
	if err := c.confirmed(user); err != nil {
		return err
	}
	if err := c.options.Servers.Start(ctx, user, name, options); err != nil {
		if why, mendable := onForm(err); asks && mendable {
			setRetryAfter(c.w.Header(), describe(err).retryAfter)
			return c.showOptions(user, name, options, why)
		}
		return err
	}
	s, err := c.options.Servers.Wait(ctx, user, name, patience)
	if err != nil && !errors.Is(err, server.ErrNotFound) {
		return err
	}
	switch failed := s.Failure; {
	case !s.Stopped() || failed == nil:
	case asks && !failed.Cancelled():
		return c.showOptions(user, name, s.UserOptions, refusal{failed.Status, failed.Message, failed.Log})
	default:
		return c.showStopped(s)
	}
	return c.redirect(c.pendingURL(user, name), http.StatusFound)
}

// confirmed asks, where so configured, whether the login of a user whose server is
// about to start still holds.
func (c *call) confirmed(user string) error {
	switch {
	case c.options.Started == nil:
		return nil
	case user == c.visit.Identity.Name():
		return c.options.Started(c.r.Context(), c.r, user)
	}
	return c.options.Started(c.r.Context(), nil, user)
}

// toServer sends the visitor to a running server, or where they wanted to go.
func (c *call) toServer(user, name string) error {
	target, err := c.destination(user, c.options.Servers.URL(user, name))
	if err != nil {
		return err
	}
	return c.redirect(target, http.StatusFound)
}

// pendingURL is where the progress of a server is shown, with what the request
// said beside.
func (c *call) pendingURL(user, name string) string {
	address := hubpath.Of(c.hub+"spawn-pending/", user, name)
	return c.withNext(withParameters(address, c.parameters()))
}

// showStopped shows a server that does not run, and why if it failed to start.
func (c *call) showStopped(s server.Server) error {
	status := http.StatusOK
	view := page.NotRunning{
		ServerName: s.Name, ForUser: c.unlessOwn(s.User),
		StartURL: c.withNext(hubpath.Of(c.hub+"spawn/", s.User, s.Name)),
	}
	if failed := s.Failure; failed != nil && !failed.Cancelled() {
		status = failed.Status
		view.Failed, view.FailedMessage, view.Log = true, failed.Message, failed.Log
	}
	return c.render(status, view)
}

// unlessOwn is the name of the owner for visitors who are somebody else.
func (c *call) unlessOwn(user string) string {
	if user == c.visit.Identity.Name() {
		return ""
	}
	return user
}
