package api

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// serverEndpoints are those of section 1.4. The server without a name is the
// default one: /server and /servers/ are the same.
func (a *API) serverEndpoints() []endpoint {
	var all []endpoint
	for _, path := range []string{"/users/{user}/server", "/users/{user}/servers/{server}"} {
		all = append(all,
			endpoint{http.MethodPost, path, need(onServer, "servers"), startServer},
			endpoint{http.MethodDelete, path, need(onServer, "delete:servers"), stopServer},
			endpoint{http.MethodGet, path + "/progress", need(onServer, "read:servers"), getProgress},
		)
	}
	return all
}

// named refuses named servers where there are none.
func (c *call) named() error {
	if c.server == "" || c.options.NamedServers {
		return nil
	}
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return err
	}
	return badRequest("Named servers are not enabled.")
}

// startServer starts a server and waits a little for it.
func startServer(c *call) error {
	if err := c.named(); err != nil {
		return err
	}
	ctx := c.r.Context()
	// Any JSON object is the user's options, and stored as it came.
	_, err := c.value()
	if err == nil {
		err = c.confirmed()
	}
	if err == nil {
		err = c.options.Servers.Start(ctx, c.user, c.server, c.body)
	}
	if err != nil {
		err = c.cause(err)
	}
	var refusal *server.Error
	if errors.As(err, &refusal) && refusal.Pending == server.PendingSpawn {
		return c.empty(http.StatusAccepted, typeText)
	}
	if err != nil {
		return err
	}
	s, err := c.options.Servers.Wait(ctx, c.user, c.server, c.options.SlowSpawn)
	switch {
	case errors.Is(err, server.ErrNotFound):
		return notStarted(server.Server{User: c.user, Name: c.server})
	case err != nil:
		return c.begun(err)
	case s.Ready:
		return c.empty(http.StatusCreated, typeText)
	case s.Pending == server.PendingSpawn:
		return c.empty(http.StatusAccepted, typeText)
	}
	return notStarted(s)
}

// confirmed asks, where so configured, whether the login of a user whose server is
// about to start still holds (JupyterHub's refresh_pre_spawn).
func (c *call) confirmed() error {
	ctx := c.r.Context()
	if c.options.Started == nil || c.options.Servers.MayStart(ctx, c.user, c.server) != nil {
		return nil // the start itself says why not
	}
	var shown *http.Request
	if c.visit.ByCookie && c.identity.Owner == identity.UserOwner(c.user) {
		shown = c.r
	}
	err := c.options.Started(ctx, shown, c.user)
	if errors.Is(err, refresh.ErrExpired) {
		return refuse(http.StatusForbidden, "auth has expired for %s, login again", c.user)
	}
	return err
}

// cause is why a start is refused: what is wrong with the body only counts if
// nothing is wrong with the user and the server.
func (c *call) cause(refusal error) error {
	f := describe(refusal)
	if f.status != http.StatusBadRequest {
		return refusal
	}
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return err
	}
	if err := c.options.Servers.MayStart(c.r.Context(), c.user, c.server); err != nil {
		return err
	}
	return refusal
}

// begun answers for a start or stop that is recorded but could not be waited
// for: it goes on, on whatever node.
func (c *call) begun(err error) error {
	c.log.WarnContext(c.r.Context(), "end of a start or stop not seen", "user", c.user, "server", c.server, "error", err)
	return c.empty(http.StatusAccepted, typeText)
}

// notStarted is a start that has failed or was called off.
func notStarted(s server.Server) error {
	if s.Failure != nil {
		return refuse(s.Failure.Status, "%s", s.Failure.Message)
	}
	return refuse(http.StatusInternalServerError,
		"Spawner failed to start. The logs for %s may contain details.", s.LogName())
}

// stopServer stops a server and waits a little for it. With remove in the body
// it forgets a named one.
func stopServer(c *call) error {
	if err := c.named(); err != nil {
		return err
	}
	remove, err := c.remove()
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	before, err := c.options.Servers.Get(ctx, c.user, c.server)
	if err != nil {
		return err
	}
	done, err := c.options.Servers.Stop(ctx, c.user, c.server, remove)
	switch {
	case err != nil:
		return err
	case done:
		return c.noContent()
	case before.Pending == server.PendingStop:
		return c.empty(http.StatusAccepted, typeText)
	}
	after, err := c.options.Servers.Wait(ctx, c.user, c.server, c.options.SlowStop)
	switch {
	case err != nil && !errors.Is(err, server.ErrNotFound):
		return c.begun(err)
	case err == nil && after.Pending == server.PendingStop:
		return c.empty(http.StatusAccepted, typeText)
	}
	return c.noContent()
}

func (c *call) remove() (bool, error) {
	options, err := c.object()
	if err != nil {
		return false, err
	}
	value, given := options["remove"]
	if !given || value == nil {
		return false, nil
	}
	remove, is := value.(bool)
	if !is {
		return false, badRequest("remove must be true or false, got %s", repr(value))
	}
	return remove, nil
}
