package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// patience is the longest that a page waits for a server.
const patience = time.Second

// home answers GET {hub}home.
func (c *call) home() error {
	user := c.visit.Identity.Name()
	checked, err := c.check(user)
	if err != nil {
		return err
	}
	view := page.Home{NamedServers: c.options.Named.Enabled, Limit: c.options.Named.LimitPerUser}
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		list, err := server.List(r, user)
		if err != nil {
			return err
		}
		if view.Server, err = c.serverView(r, checked); err != nil {
			return err
		}
		view.Servers = nil
		for _, s := range list {
			if s.Name == "" || !c.options.Named.Enabled {
				continue
			}
			shown, err := c.serverView(r, s)
			if err != nil {
				return err
			}
			view.Servers = append(view.Servers, shown)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if view.NamedServers {
		view.NewServerURL = c.hub + "home/new-server"
	}
	return c.render(http.StatusOK, view)
}

// check looks at the default server, so that one that has died is not offered.
// A platform that is slow to tell leaves it as it was.
func (c *call) check(user string) (server.Server, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), patience)
	defer cancel()
	s, err := c.options.Servers.Check(ctx, user, "")
	if err != nil && ctx.Err() != nil && c.r.Context().Err() == nil {
		return c.options.Servers.Get(c.r.Context(), user, "")
	}
	return s, err
}

// serverView is a server as its owner sees it.
func (c *call) serverView(r store.Reader, s server.Server) (page.Server, error) {
	last, err := c.options.Servers.LastActivity(r, s.User, s.Name)
	if err != nil {
		return page.Server{}, err
	}
	view := page.Server{
		Name: s.Name, State: stateOf(s), LastActivity: last,
		URL:        c.options.Servers.URL(s.User, s.Name),
		StartURL:   hubpath.Of(c.hub+"spawn/", s.User, s.Name),
		PendingURL: hubpath.Of(c.hub+"spawn-pending/", s.User, s.Name),
	}
	access, err := identity.Check(r, c.visit.Identity.Scopes, "delete:servers", scope.OnServer(s.User, s.Name))
	if err != nil {
		return page.Server{}, err
	}
	if access == scope.Granted {
		view.APIURL = c.apiURL(s.User, s.Name)
		view.StopURL = hubpath.Of(c.hub+"stop/", s.User, s.Name)
		if s.Name != "" {
			view.DeleteURL = hubpath.Of(c.hub+"delete/", s.User, s.Name)
		}
	}
	return view, nil
}

// apiURL is a server in the REST API.
func (c *call) apiURL(user, name string) string {
	if name == "" {
		return c.options.Base.API("users/" + hubpath.Quote(user) + "/server")
	}
	return c.options.Base.API("users/" + hubpath.Quote(user) + "/servers/" + hubpath.Quote(name))
}

func stateOf(s server.Server) page.ServerState {
	switch {
	case s.Ready:
		return page.Running
	case s.Pending == server.PendingStop:
		return page.Stopping
	case s.Pending != server.PendingNone:
		return page.Starting
	}
	return page.Stopped
}

// newServer answers POST {hub}home/new-server: the field server_name says what
// to start.
func (c *call) newServer() error {
	name := strings.TrimSpace(c.r.PostForm.Get("server_name"))
	switch {
	case name == "":
		return &failure{status: http.StatusBadRequest, message: "A new server needs a name."}
	case strings.Contains(name, "/"):
		return &failure{status: http.StatusBadRequest, message: "Invalid server_name (may not contain '/'): " + name}
	case name == "." || name == "..":
		return &failure{status: http.StatusBadRequest, message: "Invalid server_name: " + name}
	}
	return c.redirect(hubpath.Of(c.hub+"spawn/", c.visit.Identity.Name(), name), http.StatusSeeOther)
}
