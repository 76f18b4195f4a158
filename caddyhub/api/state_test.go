package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// changeable are the kinds of all records that a request may change, but for the
// times of activity.
var changeable = []string{
	"counter", "group", "group_member", "group_number", "oauth_client", "role", "role_member", "route", "server", "service",
	"session", "token", "token_of_client", "token_of_owner", "user", "user_number",
}

// state is everything that is stored, to be compared with what is stored later.
func (h *hub) state() string {
	h.t.Helper()
	var text strings.Builder
	err := h.store.View(h.t.Context(), func(r store.Reader) error {
		text.Reset()
		for _, kind := range changeable {
			page := store.Page{}
			for {
				records, err := r.List(kind, page)
				if err != nil {
					return err
				}
				for _, record := range records {
					fmt.Fprintf(&text, "%s %s %s\n", kind, record.Key.ID, record.Value)
					page.After = record.Key.ID
				}
				if len(records) < page.Size() {
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return text.String()
}

// namesIn are the names in a list of models, in its order.
func namesIn(t *testing.T, body string, wrapped bool) string {
	t.Helper()
	var page struct{ Items []struct{ Name string } }
	into := any(&page.Items)
	if wrapped {
		into = &page
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	names := make([]string, len(page.Items))
	for i, item := range page.Items {
		names[i] = item.Name
	}
	return strings.Join(names, " ")
}

// portalMay changes what the service portal may do.
func (h *hub) portalMay(scopes ...string) {
	h.t.Helper()
	err := h.directory.Apply(h.t.Context(), identity.Configuration{
		Services: []identity.ConfiguredService{{Service: identity.Service{Name: "portal"}, APIToken: "portal-secret"}},
		Roles:    []identity.ConfiguredRole{{Role: identity.Role{Name: "portal", Scopes: scopes}, Services: []string{"portal"}}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
