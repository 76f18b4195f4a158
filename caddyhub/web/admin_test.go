package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// TestAdmin is section 6, /admin: a scope opens the page, and other scopes say
// which of its buttons are there.
func TestAdmin(t *testing.T) {
	s := newSite(t, admin("grace"))
	err := s.options.Directory.Apply(t.Context(), identity.Configuration{Roles: []identity.ConfiguredRole{{
		Role:  identity.Role{Name: "helper", Scopes: []string{"admin-ui", "list:users", "servers!user=bob"}},
		Users: []string{"bob"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	grace, bob, ada := s.person().login("grace"), s.person().login("bob"), s.person().login("ada")
	got := grace.get(`/hub/admin?name_filter=%22%3E%3Cscript%3E&state=ready`)
	for _, text := range []string{
		`data-api-url="/hub/api/"`, `data-spawn-url="/hub/spawn/"`, "data-may-edit", "data-may-delete", "data-may-start", "data-may-stop",
		`id="add-users"`, `id="edit-user"`, `value="&#34;&gt;&lt;script&gt;"`, `value="ready" selected`, "/admin.js",
	} {
		got.want(t, "administrator", http.StatusOK, text)
	}
	if strings.Contains(got.body, "data-asks") {
		t.Error("options are asked for")
	}
	got = bob.get("/hub/admin")
	got.want(t, "helper", http.StatusOK, "data-may-start")
	for _, text := range []string{"data-may-edit", "data-may-delete", `id="add-users"`, `id="edit-user"`} {
		if strings.Contains(got.body, text) {
			t.Errorf("a helper finds %s", text)
		}
	}
	ada.get("/hub/admin").want(t, "user", http.StatusForbidden, "requires any of [admin-ui]")
	s.person().get("/hub/admin").want(t, "nobody", http.StatusFound, "/hub/login?next=%2Fhub%2Fadmin")
	grace.post("/hub/admin", nil).want(t, "post", http.StatusMethodNotAllowed, "")

	grace.get("/hub/home").want(t, "menu of an administrator", http.StatusOK, `href="/hub/admin"`)
	if strings.Contains(ada.get("/hub/home").body, "/hub/admin") {
		t.Error("the page is offered to who may not see it")
	}

	asking := newSite(t, admin("grace"), asking(t, machine())).person().login("grace")
	asking.get("/hub/admin").want(t, "with a form", http.StatusOK, "data-asks")
}
