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
	address, progress := c.options.Servers.URL(s.User, s.Name), c.progressPath(s.User, s.Name)
	model := map[string]any{
		"name": s.Name, "full_name": s.FullName(),
		"last_activity": stamp(last), "started": nil,
		"pending": pending(s), "ready": s.Ready, "stopped": s.Stopped(),
		"url": address, "progress_url": progress,
		"full_url": c.absolute(address), "full_progress_url": c.absolute(progress),
		"user_options": object(s.UserOptions),
	}
	if s.Active() {
		model["started"] = stamp(s.Started)
	}
	if c.may("admin:server_state", scope.OnServer(s.User, s.Name)) {
		model["state"] = object(s.State)
	}
	return model, nil
}

// pending is what goes on with a server, or null.
func pending(s server.Server) any {
	if s.Pending == server.PendingNone {
		return nil
	}
	return s.Pending
}

// progressPath is where the progress of a start is told.
func (c *call) progressPath(user, name string) string {
	path := c.options.Base.API("users/" + hubpath.Quote(user))
	if name == "" {
		return path + "/server/progress"
	}
	return path + "/servers/" + hubpath.Quote(name) + "/progress"
}

// absolute completes a path by the public URL; null if that is not known. With
// subdomains an address is complete already.
func (c *call) absolute(address string) any {
	if !strings.HasPrefix(address, "/") {
		return address
	}
	if c.options.PublicURL == nil {
		return nil
	}
	origin := url.URL{Scheme: c.options.PublicURL.Scheme, Host: c.options.PublicURL.Host}
	return origin.String() + address
}
