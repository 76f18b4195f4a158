package app

import (
	"encoding/json"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Session limits browser sessions.
type Session struct {
	// IdleTimeout ends a session that made no request for so long. Requests to a
	// server count like those to the hub. Default: 8h.
	IdleTimeout words.Duration `json:"idle_timeout,omitempty"`
	// MaxLifetime ends a session so long after the login, in use or not.
	// Default: 14d, JupyterHub's cookie_max_age_days.
	MaxLifetime words.Duration `json:"max_lifetime,omitempty"`
	// Refresh is how old the last answer of the authenticator may be, when there is
	// a request or an open WebSocket, before it is asked again whether the login
	// still holds, if it can be asked (JupyterHub's auth_refresh_age). A no ends the
	// user's sessions by that authenticator. "off" asks never by time. Default: 5m.
	Refresh words.DurationOrOff `json:"refresh,omitempty"`
	// RefreshGrace is how long after that a session goes on while there is no
	// answer, because the identity service is in trouble. Then requests are answered
	// 503, and WebSockets closed with 1013, until there is one; nobody is logged out
	// for that. "off" lets nothing go on. Default: 1h.
	RefreshGrace words.DurationOrOff `json:"refresh_grace,omitempty"`
	// RefreshPreSpawn asks before each start of a server as well, whatever the age
	// (JupyterHub's refresh_pre_spawn). Default: no.
	RefreshPreSpawn bool `json:"refresh_pre_spawn,omitempty"`
}

// Token limits API tokens.
type Token struct {
	// MaxLifetime is the longest that a user may ask for; a token requested
	// without a limit gets it (JupyterHub's token_expires_in_max_seconds).
	// Default: no limit.
	MaxLifetime words.Duration `json:"max_lifetime,omitempty"`
	// OAuthLifetime is how long the token lives that a service or a server gets
	// when it logs a user in (JupyterHub's oauth_token_expires_in). Servers
	// behind the gate do not depend on it. Default: the sessions' max_lifetime.
	OAuthLifetime words.Duration `json:"oauth_lifetime,omitempty"`
}

// Limits bounds what all users together may do.
type Limits struct {
	// ConcurrentSpawns is how many servers may be starting at once; the next
	// start is answered 429. Default: 100. "unlimited" in a Caddyfile, a
	// negative number in JSON: no limit.
	ConcurrentSpawns int `json:"concurrent_spawns,omitempty"`
	// ActiveServers is how many servers may run or start. Default: no limit.
	ActiveServers int `json:"active_servers,omitempty"`
	// APIPageDefaultLimit is how many entries a list of the API has when the
	// client asks for pages and does not say how long. Default: 50.
	APIPageDefaultLimit int `json:"api_page_default_limit,omitempty"`
	// APIPageMaxLimit is how many entries a list of the API has at most, whether
	// or not the client knows about pages. Default: 200.
	APIPageMaxLimit int `json:"api_page_max_limit,omitempty"`
}

// NamedServers lets users have servers beside their default one.
type NamedServers struct {
	// LimitPerUser is how many a user may have, the default server not counted.
	// Default: no limit.
	LimitPerUser int `json:"limit_per_user,omitempty"`
}

// Servers is what holds for single-user servers with every spawner. In a
// Caddyfile these words stand in the spawner's block.
type Servers struct {
	// StartTimeout is how long the spawner may take. Default: 60s.
	StartTimeout words.Duration `json:"start_timeout,omitempty"`
	// HTTPTimeout is how long a started server may take to answer. Default: 30s.
	HTTPTimeout words.Duration `json:"http_timeout,omitempty"`
	// PollInterval is how often a running server is looked after; each wait
	// varies by a tenth. Default: 30s.
	PollInterval words.Duration `json:"poll_interval,omitempty"`
	// Environment is set for each server, after and over everything else.
	Environment map[string]string `json:"environment,omitempty"`
	// DefaultURL is where a user lands below the server, such as /lab or
	// /tree/{username}. Default: the server decides.
	DefaultURL string `json:"default_url,omitempty"`
	// NotebookDir is the folder that the server shows. {username} is the user.
	// Default: the server's home.
	NotebookDir string `json:"notebook_dir,omitempty"`
	// OAuthClientAllowedScopes is what the page of a server may ask of the user
	// who visits it, beside access to the server (JupyterHub's
	// oauth_client_allowed_scopes). Default: nothing.
	OAuthClientAllowedScopes []string `json:"oauth_client_allowed_scopes,omitempty"`
	// TokenScopes is what a server's own token may do. Default: the scopes of
	// the role "server".
	TokenScopes []string `json:"server_token_scopes,omitempty"`
	// MemLimit is how much memory a server may use: a number and K, M, G or T, such
	// as 8G. Servers are told; whether it is enforced is the spawner's affair.
	// Default: no limit.
	MemLimit string `json:"mem_limit,omitempty"`
	// MemGuarantee is how much it can count on. Default: nothing.
	MemGuarantee string `json:"mem_guarantee,omitempty"`
	// CPULimit is how many cores a server may use, such as 0.5 or 4. Default: no
	// limit.
	CPULimit string `json:"cpu_limit,omitempty"`
	// CPUGuarantee is how many it can count on. Default: none.
	CPUGuarantee string `json:"cpu_guarantee,omitempty"`
	// Options are what users are asked before a server starts, in this order.
	// Default: nothing, and servers start at once.
	Options []Option `json:"options,omitempty"`
	// OptionsForm is HTML with fields of a form, shown below the options
	// (JupyterHub's options_form). What it asks reaches the spawner as
	// user_options and has no effect by itself. Scripts and styles belong into
	// files of the pages' templates. {file./path/form.html} takes it from a file.
	// Default: none.
	OptionsForm string `json:"options_form,omitempty"`
	// OptionsFromForm says how fields of OptionsForm are stored: "passthrough" as
	// lists of texts, "simple" as texts, with true for "on". Default: passthrough.
	OptionsFromForm string `json:"options_from_form,omitempty"`
	// GroupOverrides are what is other than usual for members of groups.
	GroupOverrides []GroupOverride `json:"group_overrides,omitempty"`
}

// Role is a named list of scopes and those who have it.
type Role struct {
	// Name: 3 to 255 characters, lower-case letters, digits, and "-_~.".
	Name string `json:"name"`
	// Description is for people.
	Description string `json:"description,omitempty"`
	// Scopes in JupyterHub's language, such as "list:users" or
	// "access:servers!group=physics".
	Scopes []string `json:"scopes,omitempty"`
	// Users who have the role. This list and the next two are complete: who is
	// not on them does not have it.
	Users []string `json:"users,omitempty"`
	// Groups whose members have the role.
	Groups []string `json:"groups,omitempty"`
	// Services that have the role.
	Services []string `json:"services,omitempty"`
}

func (r Role) name() string { return r.Name }

// Group is a named set of users.
type Group struct {
	// Name, any text.
	Name string `json:"name"`
	// Users are added at every start. None are removed.
	Users []string `json:"users,omitempty"`
	// Properties is any JSON object. In a Caddyfile each "property KEY VALUE"
	// sets one.
	Properties map[string]json.RawMessage `json:"properties,omitempty"`
}

func (g Group) name() string { return g.Name }

// CustomScope is a scope of the operator's own, which services interpret.
type CustomScope struct {
	// Name begins with "custom:".
	Name string `json:"name"`
	// Description is shown when a user is asked to grant it.
	Description string `json:"description"`
	// Subscopes are other custom scopes that it includes.
	Subscopes []string `json:"subscopes,omitempty"`
}

func (c CustomScope) name() string { return c.Name }

// Pages is the look of the hub.
type Pages struct {
	// Title of the site. Default: "Jupyter".
	Title string `json:"title,omitempty"`
	// Announcement is HTML shown at the top of every page.
	Announcement string `json:"announcement,omitempty"`
	// Logo is an image file. Default: our own.
	Logo string `json:"logo,omitempty"`
	// Templates is a folder whose files "templates/NAME.html" and "static/NAME"
	// take the place of ours.
	Templates string `json:"templates,omitempty"`
}
