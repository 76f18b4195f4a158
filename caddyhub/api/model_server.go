package api

import (
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// serverModel is a server that the caller may see (section 1.12), inside a
// transaction. The spawner's state takes a scope of its own.
func (c *call) serverModel(r store.Reader, s server.Server) (map[string]any, error) {
	last, err := c.options.Servers.LastActivity(r, s.User, s.Name)
	if err != nil {
		return nil, err
	}
	model := c.serverValues(s)
	model["last_activity"] = stamp(last)
	if c.may("admin:server_state", scope.OnServer(s.User, s.Name)) {
		model["state"] = object(s.State)
	}
	return model, nil
}

// serverValues are the fields of a server that are the same for everybody who
// may see it, and change only with it.
func (a *API) serverValues(s server.Server) map[string]any {
	address, progress := a.options.Servers.URL(s.User, s.Name), a.progressPath(s.User, s.Name)
	values := map[string]any{
		"name": s.Name, "full_name": s.FullName(), "started": nil,
		"pending": pending(s), "ready": s.Ready, "stopped": s.Stopped(),
		"url": address, "progress_url": progress,
		"full_url": a.absolute(address), "full_progress_url": a.absolute(progress),
		"user_options": object(s.UserOptions),
	}
	if s.Active() {
		values["started"] = stamp(s.Started)
	}
	return values
}

// pending is what goes on with a server, or null.
func pending(s server.Server) any {
	if s.Pending == server.PendingNone {
		return nil
	}
	return s.Pending
}

// progressPath is where the progress of a start is told.
func (a *API) progressPath(user, name string) string {
	path := a.options.Base.API("users/" + hubpath.Quote(user))
	if name == "" {
		return path + "/server/progress"
	}
	return path + "/servers/" + hubpath.Quote(name) + "/progress"
}

// absolute completes a path by the public URL; null if that is not known. With
// subdomains an address is complete already.
func (a *API) absolute(address string) any {
	if !strings.HasPrefix(address, "/") {
		return address
	}
	if a.options.PublicURL == nil {
		return nil
	}
	origin := url.URL{Scheme: a.options.PublicURL.Scheme, Host: a.options.PublicURL.Host}
	return origin.String() + address
}
