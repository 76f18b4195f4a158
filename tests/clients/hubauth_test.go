package clients_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const serviceToken = "service-token-of-this-test"

// TestHubAuth: a service asks the hub, by JupyterHub's own class, who it has
// before it.
func TestHubAuth(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{Hub: `
		service announcement {
			api_token ` + serviceToken + `
		}
		group class {
			users ada
		}
		role reader {
			scopes access:services!service=announcement
			groups class
		}
		role announcement {
			scopes read:users
			services announcement
		}`})
	hub.LogIn("ada")
	hub.LogIn("bob")
	printed := python(t, "hubauth.py",
		"JUPYTERHUB_API_URL="+hub.APIURL()+"/hub/api", "JUPYTERHUB_API_TOKEN="+serviceToken,
		"ADA="+hub.Token("ada"), "BOB="+hub.Token("bob"))
	var seen struct {
		Ada, Bob, Service struct {
			Kind, Name string
			Groups     []string
			Scopes     []string
		}
		Admitted map[string]bool
		Unknown  []any
	}
	if err := json.Unmarshal([]byte(printed), &seen); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if seen.Ada.Kind != "user" || seen.Ada.Name != "ada" || !slices.Equal(seen.Ada.Groups, []string{"class"}) {
		t.Errorf("ada is %+v", seen.Ada)
	}
	if !slices.Contains(seen.Ada.Scopes, "access:services!service=announcement") || slices.Contains(seen.Bob.Scopes, "access:services!service=announcement") {
		t.Errorf("scopes of ada %v, of bob %v", seen.Ada.Scopes, seen.Bob.Scopes)
	}
	if seen.Service.Kind != "service" || seen.Service.Name != "announcement" {
		t.Errorf("the service is %+v", seen.Service)
	}
	if diff := cmp.Diff(map[string]bool{"ada": true, "bob": false}, seen.Admitted); diff != "" {
		t.Errorf("who is admitted: %s", diff)
	}
	if diff := cmp.Diff([]any{nil, nil, nil}, seen.Unknown); diff != "" {
		t.Errorf("who has no token: %s", diff)
	}
}
