package oauth2

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

const callback = "https://hub.example.org/hub/oauth_callback/site"

// fake is a site that answers as the documentation of its API says.
type fake struct {
	*httptest.Server
	flow codeflow.Flow

	mu sync.Mutex // guards what follows
	// answers are by path with query; {HOST} in them is the address of the site. A
	// text that begins with a number and a space has that status.
	answers map[string]string
	link    map[string]string // the header Link, by path with query
	access  string            // the access token that counts
	refresh string            // the refresh token that counts
	expires int
	asked   []string
}

func newFake(t testing.TB, answers map[string]string) *fake {
	t.Helper()
	f := &fake{flow: codeflow.Begin(), answers: answers, link: map[string]string{}, access: "at-1", refresh: "rt-1"}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/token") || strings.HasSuffix(r.URL.Path, "/access_token") {
		f.token(w, r)
		return
	}
	answer, known := f.answers[r.URL.RequestURI()]
	status := http.StatusOK
	switch {
	case r.Header.Get("Authorization") != "Bearer "+f.access:
		status, answer = http.StatusUnauthorized, "{}"
	case !known:
		status, answer = http.StatusNotFound, "{}"
	default:
		if link := f.link[r.URL.RequestURI()]; link != "" {
			w.Header().Set("Link", strings.ReplaceAll(link, "{HOST}", f.URL))
		}
		if n, err := fmt.Sscanf(answer, "%d ", &status); n == 1 && err == nil {
			answer = answer[4:]
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(strings.ReplaceAll(answer, "{HOST}", f.URL)))
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	good := r.Form.Get("code") == "good" && r.Form.Get("code_verifier") == f.flow.Verifier() && r.Form.Get("redirect_uri") == callback
	if r.Form.Get("grant_type") == "refresh_token" {
		good = r.Form.Get("refresh_token") == f.refresh && f.refresh != ""
		if good {
			f.access, f.refresh = f.access+"+", f.refresh+"+"
		}
	}
	if !good || r.Form.Get("client_secret") != "secret" {
		_ = json.NewEncoder(w).Encode(map[string]any{"error": "bad_verification_code"}) // with 200, as GitHub
		return
	}
	answer := map[string]any{"access_token": f.access, "token_type": "bearer", "scope": "user:email,read:org"}
	if f.refresh != "" {
		answer["refresh_token"], answer["expires_in"] = f.refresh, f.expires
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// change changes the site while it runs.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fake) authenticator(t testing.TB, provider string, changes ...func(*Options)) *Authenticator {
	t.Helper()
	options := Options{Provider: provider, BaseURL: f.URL, ClientID: "hub", ClientSecret: "secret"}
	if provider == Bitbucket {
		options.APIURL = f.URL + "/2.0"
	}
	for _, change := range changes {
		change(&options)
	}
	a, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// attempt is what a browser brings back.
func (f *fake) attempt() authenticator.Attempt {
	query := url.Values{"code": {"good"}, "state": {f.flow.State()}}
	return authenticator.Attempt{
		Request:  httptest.NewRequest(http.MethodGet, callback+"?"+query.Encode(), nil),
		Callback: callback, Flow: f.flow.Bytes(),
	}
}

// The answers of the three sites about ada.
func gitHubAnswers() map[string]string {
	return map[string]string{
		"/api/v3/user":                                       `{"login":"Ada","id":1815,"type":"User","email":"chosen@evil.example"}`,
		"/api/v3/user/emails?per_page=100":                   `[{"email":"old@example.com","primary":false,"verified":true},{"email":"ada@example.org","primary":true,"verified":true}]`,
		"/api/v3/user/orgs?per_page=100":                     `[{"login":"engines"},{"login":"poets"}]`,
		"/api/v3/user/teams?per_page=100":                    `[{"slug":"makers","organization":{"login":"engines"}},{"name":"no slug"}]`,
		"/api/v3/orgs/engines/members/Ada":                   `204 `,
		"/api/v3/orgs/others/members/Ada":                    `302 `,
		"/api/v3/orgs/engines/teams/makers/memberships/Ada":  `{"state":"active","role":"member"}`,
		"/api/v3/orgs/engines/teams/pending/memberships/Ada": `{"state":"pending","role":"member"}`,
	}
}

func gitLabAnswers() map[string]string {
	return map[string]string{
		"/api/v4/user": `{"id":1815,"username":"ada","state":"active","email":"ada@example.org","confirmed_at":"2026-01-01T00:00:00Z"}`,
		"/api/v4/groups?per_page=100&min_access_level=10":  `[{"full_path":"engines"},{"full_path":"engines/makers"}]`,
		"/api/v4/groups/engines%2Fmakers/members/all/1815": `{"id":1815,"state":"active","access_level":30}`,
		"/api/v4/groups/engines%2Fnew/members/all/1815":    `{"id":1815,"state":"awaiting","access_level":30}`,
	}
}

func bitbucketAnswers() map[string]string {
	return map[string]string{
		"/2.0/user":                    `{"type":"user","username":"ada","uuid":"{18-15}","account_id":"1:2","nickname":"Ada"}`,
		"/2.0/user/emails?pagelen=100": `{"values":[{"email":"ada@example.org","is_primary":true,"is_confirmed":true}]}`,
		"/2.0/user/permissions/workspaces?pagelen=100": `{"values":[{"workspace":{"slug":"engines"}}],"next":"{HOST}/2.0/user/permissions/workspaces?page=2"}`,
		"/2.0/user/permissions/workspaces?page=2":      `{"values":[{"workspace":{"slug":"poets"}}]}`,
	}
}

// clock moves when it is told to.
type clock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += by
}

func domainsOnly() claims.Mapping { return claims.Mapping{Domains: []string{"example.org"}} }
