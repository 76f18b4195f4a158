package api

import (
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// userFields are the fields of a user that each scope reveals (section 1.12).
var userFields = fields{
	"read:users": {
		"kind", "name", "admin", "roles", "groups", "server", "pending", "created", "last_activity",
	},
	"read:users:name":     {"kind", "name", "admin"},
	"read:users:groups":   {"kind", "name", "groups"},
	"read:users:activity": {"kind", "name", "last_activity"},
	"read:roles:users":    {"kind", "name", "admin", "roles"},
	"read:servers":        {"kind", "name", "servers"},
	"admin:auth_state":    {"kind", "name", "auth_state"},
}

// userModel is a user as the caller may see them, inside a transaction; empty if
// not at all. auth_state, if revealed, is null: see withAuthState.
func (c *call) userModel(r store.Reader, user identity.User) (map[string]any, error) {
	c.groups.learn(user, user.Name)
	of := scope.OnUser(user.Name)
	servers, err := c.allServers(r, user.Name)
	if err != nil {
		return nil, err
	}
	last, err := c.options.Directory.Activity().Last(r, identity.ActivityOfUser(user.Name))
	if err != nil {
		return nil, err
	}
	model := c.userValues(user, servers[0])
	model["last_activity"] = stamp(last)
	visible, err := c.serversOf(r, servers)
	if err != nil {
		return nil, err
	}
	model["servers"] = visible
	model = c.reveal(userFields, of, model)
	if len(model) > 0 && len(visible) > 0 {
		// Who may read one server of a user need not be able to read all.
		model["servers"] = visible
	}
	return model, c.groups.err
}

// userValues are the fields of a user that are the same for everybody who may
// see them, and change only with the user and the default server.
func (a *API) userValues(user identity.User, standard server.Server) map[string]any {
	values := map[string]any{
		"kind": "user", "name": user.Name, "admin": user.Admin,
		"roles": list(user.RoleNames()), "groups": list(user.Groups),
		"server": nil, "pending": pending(standard),
		"created": stamp(user.Created), "auth_state": nil,
	}
	if standard.Ready {
		values["server"] = a.options.Servers.URL(user.Name, "")
	}
	return values
}

// allServers are the servers of a user, the default one first, which everybody
// has even if it was never started.
func (c *call) allServers(r store.Reader, user string) ([]server.Server, error) {
	servers, err := server.List(r, user)
	if err != nil || len(servers) > 0 && servers[0].Name == "" {
		return servers, err
	}
	standard, err := server.Get(r, user, "")
	return append([]server.Server{standard}, servers...), err
}

// serversOf are the servers of a user that the caller may see: the active ones,
// with include_stopped_servers all.
func (c *call) serversOf(r store.Reader, servers []server.Server) (map[string]any, error) {
	all := c.query.flag("include_stopped_servers")
	models := make(map[string]any)
	for _, s := range servers {
		if !s.Active() && !all || !c.may("read:servers", scope.OnServer(s.User, s.Name)) {
			continue
		}
		model, err := c.serverModel(r, s)
		if err != nil {
			return nil, err
		}
		models[s.Name] = model
	}
	return models, nil
}

// withAuthState fills in what the authenticator remembers of a user.
func (c *call) withAuthState(model map[string]any, user identity.User) error {
	state, err := c.options.Directory.AuthState(user)
	if err != nil {
		return err
	}
	model["auth_state"] = nil
	if state != nil {
		model["auth_state"] = state
	}
	return nil
}
