package services_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

var menuLink = regexp.MustCompile(`href="/services/([^"/]+)/"`)

// TestMenu: the pages list the services that their reader may open, but those
// that the operator keeps out of the menu or that have no address.
func TestMenu(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{Admins: []string{"grace"}, Hub: `
		service public {
			url http://127.0.0.1:1
		}
		service grading {
			url http://127.0.0.1:1
		}
		service quiet {
			url http://127.0.0.1:1
			display off
		}
		service cull {
			api_token token-of-the-culler
		}
		role user {
			scopes self access:services!service=public access:services!service=quiet access:services!service=cull
		}
		role grader {
			scopes access:services!service=grading
			groups graders
		}
		group graders {
			users ada
		}`})
	for name, want := range map[string]string{
		"ada": "grading public", "bob": "public", "grace": "grading public",
	} {
		page := hub.LogIn(name).Do(http.MethodGet, "/hub/home", nil, "Sec-Fetch-Mode", "navigate")
		var found []string
		for _, link := range menuLink.FindAllStringSubmatch(string(page.Body), -1) {
			found = append(found, link[1])
		}
		slices.Sort(found)
		if got := strings.Join(slices.Compact(found), " "); page.Status != http.StatusOK || got != want {
			t.Errorf("%s: the menu has %q, want %q; %d", name, got, want, page.Status)
		}
	}
}
