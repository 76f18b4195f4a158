package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// table is every path below the hub. The REST API and the OAuth provider, with
// {hub}api/... and {hub}health, come before it.
func (s *Web) table() []route {
	static, logo := s.options.Pages.Static(), s.options.Pages.Logo()
	return []route{
		{path: "", who: visitors, get: (*call).root},
		{path: "login", who: visitors, get: (*call).showLogin, post: (*call).tryLogin, action: actionLogin},
		{path: "login/{authenticator}/backchannel_logout", who: everybody, post: (*call).endAnnounced, action: actionLogout},
		{path: "login/{authenticator}/{rest}", any: s.authenticatorPath},
		{path: "oauth_login", who: visitors, get: (*call).loginElsewhere},
		{path: callbackPath, who: visitors, get: (*call).returnToLogin, acts: true, action: actionLogin},
		{path: callbackPath + "/{authenticator}", who: visitors, get: (*call).returnToLogin, acts: true, action: actionLogin},
		{path: "logout", who: visitors, get: (*call).logout, acts: true, action: actionLogout},
		{path: "home", who: members, get: (*call).home},
		{path: "home/new-server", who: members, post: (*call).newServer, action: nothing},
		{path: "spawn", who: members, limited: true, get: (*call).spawn, post: (*call).spawnByForm, acts: true, action: actionStart},
		{path: "spawn/{user}", who: members, limited: true, get: (*call).spawn, post: (*call).spawnByForm, acts: true, action: actionStart},
		{path: "spawn/{user}/{server}", who: members, limited: true, get: (*call).spawn, post: (*call).spawnByForm, acts: true, action: actionStart},
		{path: "spawn-pending/{user}", who: members, limited: true, get: (*call).spawnPending},
		{path: "spawn-pending/{user}/{server}", who: members, limited: true, get: (*call).spawnPending},
		{path: "stop/{user}", who: members, limited: true, post: (*call).stop, action: actionStop},
		{path: "stop/{user}/{server}", who: members, limited: true, post: (*call).stop, action: actionStop},
		{path: "delete/{user}/{server}", who: members, post: (*call).remove, action: actionRemove},
		{path: "admin", who: members, get: (*call).admin},
		{path: "token", who: members, get: (*call).tokens, post: (*call).requestToken, action: actionToken},
		{path: "token/revoke/{token}", who: members, post: (*call).revokeToken, action: actionRevoke},
		{path: "user-redirect", who: members, limited: true, get: (*call).userRedirect},
		{path: "user-redirect/{rest}", who: members, limited: true, get: (*call).userRedirect},
		{path: "handover", who: members, limited: true, get: (*call).handOver, acts: true, action: actionHandOver},
		{path: "user/{rest}", any: s.options.UserPath},
		{path: "error/{status}", who: everybody, get: (*call).proxyError},
		{path: "security/csp-report", who: everybody, post: (*call).policyReport, action: nothing},
		{path: "static/{rest}", any: static.ServeHTTP},
		{path: "logo", any: logo.ServeHTTP},
	}
}

// route is one path. What stands in braces is a variable of one segment, which
// may be empty for {server}; {rest} is all that follows, still escaped.
type route struct {
	path string
	// who says for whom get and post are.
	who audience
	// get and post answer these methods; nil for 405. An error is for fail. To
	// members, a post comes with its form parsed and its origin proved.
	get, post func(*call) error
	// acts says that get changes something: there is no HEAD then.
	acts bool
	// limited lets in members whose session is limited to certain scopes: what the
	// path does, it asks scopes for.
	limited bool
	// action is what post does, and get if it acts, in the audit log.
	action string
	// any answers every method instead, and looks after itself.
	any http.HandlerFunc
}

// audience is whom a path is for.
type audience int

const (
	// everybody: nobody asks who it is, so that the store is not needed.
	everybody audience = iota
	// visitors may be logged in.
	visitors
	// members are logged in.
	members
)

// find returns the route of an escaped path below the hub, and its variables,
// decoded once. Literals are compared as they stand: there is one way to write
// them.
func (s *Web) find(path string) (*route, map[string]string) {
	segments := strings.Split(path, "/")
	for i := range s.routes {
		if names, ok := s.routes[i].match(segments); ok {
			return &s.routes[i], names
		}
	}
	return nil, nil
}

func (e *route) match(segments []string) (map[string]string, bool) {
	names := make(map[string]string, 2)
	wanted := strings.Split(e.path, "/")
	for i, want := range wanted {
		if i >= len(segments) {
			return nil, false
		}
		variable, is := strings.CutPrefix(want, "{")
		variable = strings.TrimSuffix(variable, "}")
		switch {
		case !is && segments[i] != want:
			return nil, false
		case !is:
		case variable == "rest":
			names[variable] = strings.Join(segments[i:], "/")
			return names, true
		default:
			plain, err := url.PathUnescape(segments[i])
			if err != nil || !utf8.ValidString(plain) || plain == "" && variable != "server" {
				return nil, false
			}
			names[variable] = plain
		}
	}
	return names, len(segments) == len(wanted)
}

// methods are those of the path, for Allow.
func (e *route) methods() string {
	var known []string
	if e.get != nil {
		known = append(known, http.MethodGet)
		if !e.acts {
			known = append(known, http.MethodHead)
		}
	}
	if e.post != nil {
		known = append(known, http.MethodPost)
	}
	return strings.Join(known, ", ")
}

// handler answers a method; nil if there is none.
func (e *route) handler(method string) func(*call) error {
	switch {
	case method == http.MethodGet, method == http.MethodHead && !e.acts:
		return e.get
	case method == http.MethodPost:
		return e.post
	}
	return nil
}
