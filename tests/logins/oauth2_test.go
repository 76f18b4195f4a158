package logins_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestOAuth2 logs in at a site of which only the addresses are known: the OpenID
// provider, which is an OAuth server as well.
func TestOAuth2(t *testing.T) {
	p := newProvider(t)
	block := strings.Join([]string{
		"authenticator oauth2 site {", "authorize_url " + p.URL + "/auth", "token_url " + p.URL + "/token", "userdata_url " + p.URL + "/me",
		"client_id hub", `client_secret "` + clientSecret + `"`, "token_auth basic", "scopes openid profile email roles",
		"username_key preferred_username", "groups_key realm_access.roles", "admin_groups operators", "allowed_domains example.org", "}",
	}, "\n")
	h := hubtest.Start(t, hubtest.Options{Authenticator: block})
	p.start(h, "site", "/hub/oauth_callback", 3600)
	begin := h.URL + "/hub/oauth_login?next=" + url.QueryEscape(home)
	person := newPerson(t)
	if found := person.walk(begin, "ada", ""); found.url.Path != home {
		t.Fatalf("%s answered %d\n%s", found.url, found.status, found.body)
	}
	want := model{Name: "ada", Admin: true, Groups: []string{"makers", "operators"}}
	if diff := cmp.Diff(want, person.self(h.URL)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	unverified := ada()
	unverified["email_verified"] = false
	p.accounts(map[string]account{"ada": unverified})
	if found := newPerson(t).walk(begin, "ada", ""); found.status != http.StatusForbidden {
		t.Errorf("an address that is not verified: %d", found.status)
	}

	// Login CSRF: an answer that another browser asked for.
	p.accounts(map[string]account{"ada": ada()})
	victim := newPerson(t)
	stolen := newPerson(t).walk(begin, "ada", "/hub/oauth_callback?").to(t)
	victim.get(begin)
	if found := victim.get(stolen); found.status != http.StatusBadRequest || victim.self(h.URL).Name != "" {
		t.Errorf("a stranger's answer: %d", found.status)
	}
}

// TestOAuth2GitHub logs in at a server that answers as GitHub documents it. It is
// not GitHub.
func TestOAuth2GitHub(t *testing.T) {
	var outside atomic.Bool
	answer := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(value); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	mux.HandleFunc("GET /login/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		query := url.Values{"code": {"c-" + r.FormValue("code_challenge")}, "state": {r.FormValue("state")}}
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+query.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"access_token": "gho_1", "token_type": "bearer", "scope": "read:org"})
	})
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"login": "Ada", "id": 1815})
	})
	mux.HandleFunc("GET /api/v3/orgs/engines/members/Ada", func(w http.ResponseWriter, _ *http.Request) {
		if outside.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /api/v3/user/orgs", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("page") == "2" {
			answer(w, []any{map[string]any{"login": "poets"}})
			return
		}
		w.Header().Set("Link", "<"+site.URL+`/api/v3/user/orgs?per_page=100&page=2>; rel="next"`)
		answer(w, []any{map[string]any{"login": "engines"}})
	})
	mux.HandleFunc("GET /api/v3/user/teams", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, []any{map[string]any{"slug": "makers", "organization": map[string]any{"login": "engines"}}})
	})
	h := hubtest.Start(t, hubtest.Options{Authenticator: `authenticator oauth2 {
			provider github
			base_url ` + site.URL + `
			client_id hub
			client_secret secret
			teams
			allowed_organizations engines
		}`})
	begin := h.URL + "/hub/oauth_login?next=" + url.QueryEscape(home)
	person := newPerson(t)
	if found := person.walk(begin, "", ""); found.url.Path != home {
		t.Fatalf("%s answered %d\n%s", found.url, found.status, found.body)
	}
	want := model{Name: "ada", Groups: []string{"engines", "engines:makers", "poets"}}
	if diff := cmp.Diff(want, person.self(h.URL)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	outside.Store(true)
	if found := newPerson(t).walk(begin, "", ""); found.status != http.StatusForbidden {
		t.Errorf("no member any more: %d", found.status)
	}
}
