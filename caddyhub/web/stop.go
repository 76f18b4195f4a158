package web

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// stop answers POST {hub}stop/USER/SERVER: the server is stopped, or its start
// called off.
func (c *call) stop() error { return c.end(false) }

// remove answers POST {hub}delete/USER/SERVER: a named server goes for good.
func (c *call) remove() error { return c.end(true) }

func (c *call) end(remove bool) error {
	ctx, user, name := c.r.Context(), c.names["user"], c.names["server"]
	c.event.Target = audit.ServerOf(user, name)
	if err := c.permit("delete:servers", scope.OnServer(user, name)); err != nil {
		return err
	}
	done, err := c.options.Servers.Stop(ctx, user, name, remove)
	if err != nil {
		return err
	}
	if !done {
		_, err := c.options.Servers.Wait(ctx, user, name, patience)
		if err != nil && !errors.Is(err, server.ErrNotFound) {
			return err
		}
	}
	if user != c.visit.Identity.Name() && !remove {
		access, err := c.access("servers", scope.OnServer(user, name))
		if err != nil {
			return err
		}
		if access == scope.Granted {
			return c.redirect(hubpath.Of(c.hub+"spawn-pending/", user, name), http.StatusSeeOther)
		}
	}
	return c.redirect(c.hub+"home", http.StatusSeeOther)
}
