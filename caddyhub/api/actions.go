package api

import "strings"

// action is what an endpoint does, for the audit log.
type action struct {
	name string
	// fields of the body that are recorded: names and numbers, never secrets, and
	// nothing of which we do not know what it is.
	fields []string
	// server says that the path means the default server without naming it.
	server bool
	// routine marks what happens all the time.
	routine bool
}

// actions of all endpoints that change something, by method and path. A test
// walks the endpoints and finds each here.
var actions = map[string]action{
	"POST /users":                           {name: "user.create", fields: []string{"usernames", "admin"}},
	"POST /users/{user}":                    {name: "user.create", fields: []string{"admin"}},
	"PATCH /users/{user}":                   {name: "user.change", fields: []string{"name", "admin"}},
	"DELETE /users/{user}":                  {name: "user.delete"},
	"POST /users/{user}/activity":           {name: "user.activity", routine: true},
	"POST /users/{user}/admin-access":       {name: "user.admin_access"},
	"POST /users/{user}/server":             {name: "server.start", server: true},
	"DELETE /users/{user}/server":           {name: "server.stop", server: true},
	"POST /users/{user}/servers/{server}":   {name: "server.start"},
	"DELETE /users/{user}/servers/{server}": {name: "server.stop", fields: []string{"remove"}},
	"POST /users/{user}/tokens":             {name: "token.create", fields: []string{"note", "expires_in", "roles", "scopes"}},
	"DELETE /users/{user}/tokens/{token}":   {name: "token.revoke"},
	"POST /groups":                          {name: "group.create", fields: []string{"groups"}},
	"POST /groups/{group}":                  {name: "group.create", fields: []string{"users"}},
	"DELETE /groups/{group}":                {name: "group.delete"},
	"POST /groups/{group}/users":            {name: "group.add_users", fields: []string{"users"}},
	"DELETE /groups/{group}/users":          {name: "group.remove_users", fields: []string{"users"}},
	"PUT /groups/{group}/properties":        {name: "group.change_properties"},
	"POST /services/{service}": {name: "service.create", fields: []string{
		"admin", "url", "oauth_client_id", "oauth_redirect_uri", "oauth_client_allowed_scopes", "oauth_no_confirm", "roles",
	}},
	"DELETE /services/{service}": {name: "service.delete"},
	"POST /proxy":                {name: "proxy.check"},
	"PATCH /proxy":               {name: "proxy.change"},
	"POST /shutdown":             {name: "hub.shutdown", fields: []string{"servers", "proxy"}},
	"POST /authorizations/token": {name: "token.create"},
}

// actionOf is what a method of a path does. One that nobody has named is
// recorded all the same.
func actionOf(method, pattern string) action {
	if known, ok := actions[method+" "+pattern]; ok {
		return known
	}
	return action{name: "api." + strings.ToLower(method) + " " + pattern}
}
