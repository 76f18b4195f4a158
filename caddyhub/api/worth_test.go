package api_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// TestNobodyHandsOutMore tries the ways to hand out what one does not hold.
func TestNobodyHandsOutMore(t *testing.T) {
	const admins = "Only admins can grant admin permissions"
	for name, c := range map[string]struct {
		owner        string
		scopes       []string
		method, path string
		body         string
		status       int
		message      string
	}{
		"admin by a token of less":          {"root", []string{"admin:users"}, "POST", "/users/new", `{"admin":true}`, 403, admins},
		"admins by a token of less":         {"root", []string{"admin:users"}, "POST", "/users", `{"usernames":["new"],"admin":true}`, 403, admins},
		"made one by a token of less":       {"root", []string{"admin:users"}, "PATCH", "/users/ada", `{"admin":true}`, 403, admins},
		"kept one by a token of less":       {"root", []string{"admin:users"}, "PATCH", "/users/root", `{"admin":true}`, 200, ""},
		"admin by an administrator":         {"root", []string{"inherit"}, "POST", "/users/new", `{"admin":true}`, 201, ""},
		"admin by who can be anybody":       {"root", []string{"admin:users", "tokens"}, "POST", "/users/new", `{"admin":true}`, 201, ""},
		"admin by another":                  {"eve", []string{"inherit"}, "POST", "/users/new", `{"admin":true}`, 403, admins},
		"member of administrators":          {"eve", []string{"inherit"}, "POST", "/groups/bosses/users", `{"users":["eve"]}`, 403, ""},
		"member of operators":               {"eve", []string{"inherit"}, "POST", "/groups/operators/users", `{"users":["eve"]}`, 403, "Not adding users to group operators, whose roles have scopes not held by User eve: shutdown"},
		"who has it already":                {"eve", []string{"inherit"}, "POST", "/groups/operators/users", `{"users":["oscar"]}`, 200, ""},
		"member of readers":                 {"eve", []string{"inherit"}, "POST", "/groups/readers/users", `{"users":["ada"]}`, 200, ""},
		"members, one of them too much":     {"eve", []string{"inherit"}, "POST", "/groups/operators/users", `{"users":["oscar","ada"]}`, 403, ""},
		"taken out of what is more":         {"eve", []string{"inherit"}, "DELETE", "/groups/bosses/users", `{"users":["root"]}`, 200, ""},
		"an administrator into one's group": {"eve", []string{"inherit"}, "POST", "/groups/mine/users", `{"users":["root"]}`, 403, "Only admins can add other admins to groups whose members they have permissions on"},
		"a new one of the kind":             {"eve", []string{"inherit"}, "POST", "/groups/mine2", `{"users":["root"]}`, 403, ""},
		"somebody into one's group":         {"eve", []string{"inherit"}, "POST", "/groups/mine/users", `{"users":["ada"]}`, 200, ""},
		"renamed into one's reach":          {"eve", []string{"inherit"}, "PATCH", "/users/ada", `{"name":"zoe"}`, 403, "Not renaming ada to a user on whom you have other permissions"},
		"renamed to own a server":           {"eve", []string{"inherit"}, "PATCH", "/users/ada", `{"name":"amy"}`, 403, ""},
		"renamed elsewhere":                 {"eve", []string{"inherit"}, "PATCH", "/users/ada", `{"name":"other"}`, 200, ""},
		"service that is administrator":     {"eve", []string{"inherit"}, "POST", "/services/made", `{"admin":true,"api_token":"long-enough"}`, 400, ""},
		"service that may ask for more":     {"eve", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["shutdown"]}`, 400, "Not assigning requested scopes shutdown not held by User eve"},
		"service, by a token of less":       {"root", []string{"admin:services"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["shutdown"]}`, 400, "Not assigning requested scopes shutdown not held by User root"},
		"service that may ask for as much":  {"eve", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["read:hub","inherit","self"]}`, 201, ""},
		"service that takes what is one's":  {"eve", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["self"],"oauth_no_confirm":true}`, 400, ""},
		"service that takes all":            {"eve", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["inherit"],"oauth_no_confirm":true}`, 400, ""},
		"service that takes a server":       {"eve", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["servers!user"],"oauth_no_confirm":true}`, 400, ""},
		"service with scopes of nobody":     {"root", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["no:such"]}`, 400, "Scope 'no:such' for service does not exist"},
		"service that takes, for admins":    {"root", []string{"inherit"}, "POST", "/services/made", `{"oauth_client_allowed_scopes":["inherit"],"oauth_no_confirm":true,"oauth_redirect_uri":"/x"}`, 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.withGroups()
			token := h.token(c.owner, c.scopes...)
			before := h.state()
			h.expect(request{method: c.method, path: c.path, body: c.body, token: token}, c.status, c.message)
			if after := h.state(); c.status >= 400 && after != before {
				t.Errorf("it was refused and changed something:\n%s\n%s", before, after)
			}
		})
	}
}

// withGroups adds groups with roles, and what eve may do.
func (h *hub) withGroups() {
	h.t.Helper()
	err := h.directory.Apply(h.t.Context(), identity.Configuration{
		Admins: []string{"root"},
		Groups: []identity.ConfiguredGroup{{Name: "astro", Users: []string{"ada", "bob"}}, {Name: "mine"}},
		Services: []identity.ConfiguredService{
			{Service: identity.Service{Name: "portal", URL: "http://10.0.0.5"}, APIToken: "portal-secret"},
		},
		Roles: []identity.ConfiguredRole{
			{Role: identity.Role{Name: "admin"}, Users: []string{"root"}, Groups: []string{"bosses"}},
			{Role: identity.Role{Name: "operators", Scopes: []string{"shutdown", "read:hub"}}, Groups: []string{"operators"}, Users: []string{"oscar"}},
			{Role: identity.Role{Name: "readers", Scopes: []string{"read:hub", "read:servers!group=astro"}}, Groups: []string{"readers"}},
			{Role: identity.Role{Name: "eve", Scopes: []string{
				"groups", "admin:groups!group=mine2", "admin:users", "admin:services", "read:hub", "read:servers!group=astro",
				"access:servers!group=mine", "access:servers!group=mine2", "tokens!user=zoe", "access:servers!server=amy/",
			}}, Users: []string{"eve"}},
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
