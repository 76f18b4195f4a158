package edge

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// TestWho: whose credentials open what, and what a refusal says to whom.
func TestWho(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada, bob, root := s.login("ada"), s.login("bob"), s.login("root")
	narrow := s.token("ada", "read:users:name")
	for name, test := range map[string]struct {
		target  string
		changes []change
		status  int
		text    string
	}{
		"owner":                   {"/user/ada/lab", []change{ada.in, navigation}, 200, "hello"},
		"administrator":           {"/user/ada/lab", []change{root.in, navigation}, 200, "hello"},
		"tutor of the group":      {"/user/ada/lab", []change{s.login("eve").in, navigation}, 200, "hello"},
		"tutor of another group":  {"/user/bob/lab", []change{s.login("eve").in, navigation}, 404, "No access"},
		"other user":              {"/user/ada/lab", []change{bob.in, navigation}, 403, "access:servers!server=ada/"},
		"nobody":                  {"/user/ada/lab?a=b", []change{navigation}, 302, "/hub/login?next=%2Fuser%2Fada%2Flab%3Fa%3Db"},
		"nobody, from a script":   {"/user/ada/lab", []change{script}, 401, "credentials"},
		"nobody, by socket":       {"/user/ada/ws", []change{socket}, 401, "credentials"},
		"API token":               {"/user/ada/lab", []change{bearer(s.token("ada", "inherit"))}, 200, "hello"},
		"API token of too little": {"/user/ada/lab", []change{bearer(narrow)}, 403, "access:servers!server=ada/"},
		"API token of another":    {"/user/ada/lab", []change{bearer(s.token("bob", "inherit"))}, 403, ""},
		"API token of a service":  {"/user/ada/lab", []change{bearer(monitorToken)}, 200, "hello"},
		"wrong token":             {"/user/ada/lab", []change{bearer("no-such-token")}, 401, ""},
		"wrong token with cookie": {"/user/ada/lab", []change{bearer("no-such-token"), ada.in}, 401, ""},
		"less token than cookie":  {"/user/ada/lab", []change{bearer(narrow), ada.in}, 403, ""},
		"token in the URL":        {"/user/ada/lab?token=" + s.token("ada", "inherit"), []change{navigation}, 302, "/hub/login"},
		"basic beside a cookie":   {"/user/ada/lab", []change{header("Authorization", "Basic YTpi"), ada.in}, 200, "hello"},
		"basic alone":             {"/user/ada/lab", []change{header("Authorization", "Basic YTpi")}, 302, "/hub/login"},
		"two tokens":              {"/user/ada/lab", []change{bearer("a-long-token"), bearer("another-token")}, 400, "more than one"},
		"stopped, own":            {"/user/bob/lab", []change{bearer(s.token("bob", "inherit"))}, 424, "/hub/spawn/bob"},
		"stopped, another's":      {"/user/bob/lab", []change{ada.in, navigation}, 404, "No access to resources or resources not found"},
		"no such user":            {"/user/nobody/lab", []change{ada.in, navigation}, 404, "No access to resources or resources not found"},
		"no such user, to root":   {"/user/nobody/lab", []change{root.in, navigation}, 404, "No such user nobody"},
		"a name of upper case":    {"/user/ADA/lab", []change{ada.in, navigation}, 404, "No access"},
		"a name too long":         {"/user/" + strings.Repeat("x", 2000) + "/", []change{root.in, navigation}, 404, "No such user"},
		"no name":                 {"/user/", []change{ada.in, navigation}, 404, "Not Found"},
		"nothing but user":        {"/user", []change{ada.in, navigation}, 404, "Not Found"},
		"service":                 {"/services/wiki/", []change{ada.in, navigation}, 200, "hello"},
		"service, not allowed":    {"/services/wiki/", []change{bob.in, navigation}, 403, "access:services!service=wiki"},
		"service without address": {"/services/monitor/", []change{root.in, navigation}, 404, "Not Found"},
		"no such service":         {"/services/other/", []change{bob.in, navigation}, 404, "Not Found"},
		"ambiguous path":          {"/user/ada%2F..%2Fbob/", []change{ada.in, navigation}, 400, "path"},
		"protocol of another":     {"/user/ada/", []change{ada.in, header("Connection", "Upgrade"), header("Upgrade", "h2c")}, 400, "WebSocket"},
		"write without proof":     {"/user/ada/api", []change{ada.in, script}, 403, "_xsrf"},
		"socket without origin":   {"/user/ada/ws", []change{ada.in, socket, func(r *http.Request) { r.Header.Del("Origin") }}, 403, "WebSocket"},
		"socket of the site":      {"/user/ada/ws", []change{ada.in, socket}, 200, "hello"},
	} {
		s.get(test.target, test.changes...).want(t, name, test.status, test.text)
	}
}

// TestBase: below the base path everything works, and outside is nothing, for
// nobody, whatever routes another base path has left.
func TestBase(t *testing.T) {
	s := newSite(t, base("/jupyter/"))
	s.put("/user/ada/", route.Data{User: "ada"})
	s.start("ada", "")
	ada := s.login("ada")
	for target, want := range map[string]int{
		"/jupyter/user/ada/lab": 200, "/jupyter/services/wiki/": 200, "/jupyter/user/nobody/": 404,
		"/user/ada/lab": 404, "/services/wiki/": 404, "/": 404, "/jupyterx/user/ada/": 404, "/jupyter": 404, "/JUPYTER/user/ada/": 404,
	} {
		s.get(target, ada.in, navigation).want(t, target, want, "")
		if want == 404 && !strings.HasPrefix(target, "/jupyter/") {
			s.get(target).want(t, target+", anonymous", want, "")
		}
	}
	for target, want := range map[string]bool{
		"/jupyter/user/ada/": true, "/jupyter/user": true, "/jupyter/services/x": true, "/jupyter/user/..%2f": true,
		"/jupyter/hub/user/ada/": false, "/user/ada/": false, "/jupyter/users/ada": false, "/jupyter/": false, "/jupyter/%75ser/ada/": false,
	} {
		r, _ := http.NewRequest("GET", "http://example.com"+target, nil)
		if got := s.Serves(r); got != want {
			t.Errorf("Serves(%s) is %v", target, got)
		}
	}
}

// TestRoutes: the longest route serves, one for the host before others, and
// what is behind it, not the path, says who may see it.
func TestRoutes(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	s.start("ada", "lab")
	s.put("other.example.com/user/ada/", route.Data{User: "bob"})
	s.put("/user/ada/files/", route.Data{})
	ada, bob := s.login("ada"), s.login("bob")
	for name, test := range map[string]struct {
		target string
		who    login
		status int
		server string
	}{
		"default server":          {"/user/ada/tree", ada, 200, ""},
		"named server":            {"/user/ada/lab/tree", ada, 200, "lab"},
		"name as a prefix":        {"/user/ada/laboratory", ada, 200, ""},
		"escaped name":            {"/user/%61da/l%61b/", ada, 200, "lab"},
		"other host":              {"http://other.example.com/user/ada/", ada, 403, ""},
		"other host, its user":    {"http://other.example.com:8000/user/ada/", bob, 200, ""},
		"route with nobody in it": {"/user/ada/files/x", ada, 200, ""},
	} {
		got := s.get(test.target, test.who.in, navigation)
		got.want(t, name, test.status, "")
		if got.out != nil && got.to.Data.ServerName != test.server {
			t.Errorf("%s: to server %q", name, got.to.Data.ServerName)
		}
	}
}

// TestNamedServersOff: no path names a server that is not running then, but one
// that still runs is reached.
func TestNamedServersOff(t *testing.T) {
	s := newSite(t, func(o *Options) { o.NamedServers = false })
	s.start("ada", "lab")
	ada := s.login("ada")
	s.get("/user/ada/lab/", ada.in, navigation).want(t, "running", 200, "")
	if _, err := s.servers.Stop(t.Context(), "ada", "lab", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "stopped", func() bool { return s.routes.Table().Len() == 1 })
	s.get("/user/ada/lab/", bearer(s.token("ada", "inherit"))).want(t, "stopped", 424, "/hub/spawn/ada\"")
}

// TestCatchUp: a server that the store calls ready is reached also on a node
// that has not heard of its route.
func TestCatchUp(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	spec, _ := route.ParseSpec("/user/ada/")
	s.routes.Table().Remove(spec)
	s.get("/user/ada/", s.login("ada").in, navigation).want(t, "lost route", 200, "hello")
}
