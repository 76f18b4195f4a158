package oauth_test

import (
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// hub is a provider on a server of its own, with the users ada, bob and eve, a
// server of ada's that bob may use, and the service grafana.
type hub struct {
	*httptest.Server
	directory *identity.Directory
	browser   *browser.Browser
	store     *flaky
	file      string
	clock     *storetest.Clock
	keys      *keyring.Ring
}

// The clients of every hub in these tests.
const (
	serverID, serverSecret, serverCallback    = "jupyterhub-user-ada", "secret-of-ada's-server", "/user/ada/oauth_callback"
	serviceID, serviceSecret, serviceCallback = "service-grafana", "secret-of-grafana", "https://grafana.example.org/cb?org=1"
)

var adasServer = identity.OAuthClient{
	ID: serverID, RedirectURI: serverCallback, Description: "Server at /user/ada/",
	Target: scope.Client{Server: scope.Server{User: "ada"}},
}

func configuration() identity.Configuration {
	return identity.Configuration{
		Services: []identity.ConfiguredService{{
			Service: identity.Service{
				Name: "grafana", OAuthRedirectURI: serviceCallback,
				OAuthClientAllowedScopes: []string{"read:users:activity", "read:servers!user", "tokens!user"},
			},
			APIToken: serviceSecret,
		}},
		Groups: []identity.ConfiguredGroup{{Name: "friends", Users: []string{"bob"}}},
		Roles: []identity.ConfiguredRole{
			{Role: identity.Role{Name: "user", Scopes: []string{"self", "access:services!service=grafana"}}},
			{Role: identity.Role{Name: "guest", Scopes: []string{"access:servers!server=ada/"}}, Groups: []string{"friends"}},
		},
	}
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{clock: storetest.NewClock(), file: filepath.Join(t.TempDir(), "hub.db")}
	opened, err := embedded.Open(embedded.Options{Path: h.file, Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h.store = &flaky{Store: opened}
	if h.keys, err = keyring.New([]keyring.Key{keyring.NewKey(h.clock.Now().Add(-time.Hour))}, h.clock.Now); err != nil {
		t.Fatal(err)
	}
	h.directory = identity.New(identity.Options{Store: h.store, Keys: h.keys, Now: h.clock.Now})
	h.browser = browser.New(browser.Options{Directory: h.directory, Base: "/", Now: h.clock.Now})
	h.fill(t)
	h.serve(t, oauth.Options{})
	return h
}

// fill makes the users, roles and clients.
func (h *hub) fill(t testing.TB) {
	t.Helper()
	for _, name := range []string{"ada", "bob", "eve"} {
		if _, err := h.directory.CreateUser(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.directory.Apply(t.Context(), configuration()); err != nil {
		t.Fatal(err)
	}
	h.update(t, func(w store.Writer) error {
		if err := h.directory.PutClient(w, adasServer, serverSecret); err != nil {
			return err
		}
		return oauth.ApplyServices(w, h.directory, hubpath.Base("/").Service, configuration().Services)
	})
}

func (h *hub) serve(t testing.TB, options oauth.Options) {
	options.Directory, options.Browser, options.Base = h.directory, h.browser, hubpath.Base("/")
	options.Pages, options.Now = pages{}, h.clock.Now
	provider := oauth.New(options)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if provider.Serves(r) {
			provider.ServeHTTP(w, r)
		} else {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(h.Close)
}

func (h *hub) update(t testing.TB, write func(store.Writer) error) {
	t.Helper()
	if err := h.directory.Store().Update(t.Context(), write); err != nil {
		t.Fatal(err)
	}
}

// login returns a browser in which the user is logged in.
func (h *hub) login(t testing.TB, user string) (*http.Client, identity.Session) {
	t.Helper()
	return h.limitedLogin(t, user, nil)
}

// limitedLogin is login for a session that may do no more than the limit says.
func (h *hub) limitedLogin(t testing.TB, user string, limit *identity.Limit) (*http.Client, identity.Session) {
	t.Helper()
	cookie, session, err := h.directory.CreateLimitedSession(t.Context(), user, "dummy", limit)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	h.browser.SetSession(recorder, httptest.NewRequest(http.MethodGet, h.URL, nil), cookie, session)
	cookies := recorder.Result().Cookies()
	for _, cookie := range cookies {
		cookie.Expires = time.Time{} // the jar has another clock
	}
	address, _ := url.Parse(h.URL)
	jar.SetCookies(address, cookies)
	return &http.Client{Jar: jar, CheckRedirect: stay}, session
}

func anonymous() *http.Client { return &http.Client{CheckRedirect: stay} }

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// server and service are real OAuth clients.
func (h *hub) server() *oauth2.Config { return h.config(serverID, serverSecret, serverCallback) }

func (h *hub) service() *oauth2.Config { return h.config(serviceID, serviceSecret, serviceCallback) }

func (h *hub) config(id, secret, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: callback,
		Endpoint: oauth2.Endpoint{
			AuthURL:   h.URL + "/hub/api/oauth2/authorize",
			TokenURL:  h.URL + "/hub/api/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

func do(t testing.TB, client *http.Client, request *http.Request) answer {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(body)}
}

func get(t testing.TB, client *http.Client, address string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, client, request)
}

func post(t testing.TB, client *http.Client, address string, form url.Values) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, client, request)
}

// told is what a redirect tells the client at the callback; nil if there is no
// redirect to it.
func (a answer) told(callback string) url.Values {
	rest, found := strings.CutPrefix(a.Header.Get("Location"), callback)
	if a.StatusCode != http.StatusFound || !found || rest == "" || rest[0] != '?' && rest[0] != '&' {
		return nil
	}
	values, err := url.ParseQuery(rest[1:])
	if err != nil {
		return nil
	}
	return values
}

// code walks the authorization of a client that needs no consent.
func (h *hub) code(t testing.TB, visitor *http.Client, config *oauth2.Config, options ...oauth2.AuthCodeOption) string {
	t.Helper()
	got := get(t, visitor, config.AuthCodeURL("state", options...))
	told := got.told(config.RedirectURL)
	if told.Get("code") == "" || told.Get("state") != "state" {
		t.Fatalf("no code: %d %q %s", got.StatusCode, got.Header.Get("Location"), got.body)
	}
	return told.Get("code")
}

// exchange exchanges a code of the server's by hand, with parameters changed; ""
// removes.
func (h *hub) exchange(t testing.TB, code string, changes ...string) answer {
	t.Helper()
	form := url.Values{
		"client_id": {serverID}, "client_secret": {serverSecret}, "grant_type": {"authorization_code"},
		"code": {code}, "redirect_uri": {serverCallback},
	}
	for i := 0; i < len(changes); i += 2 {
		if form.Del(changes[i]); changes[i+1] != "" {
			form.Set(changes[i], changes[i+1])
		}
	}
	return post(t, anonymous(), h.URL+"/hub/api/oauth2/token", form)
}

// failure reads the error of an answer of the token endpoint.
func (a answer) failure(t testing.TB) (code, description string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return body["error"], body["error_description"]
}

// pages are the smallest pages there can be. Those of the hub are elsewhere.
type pages struct{}

var consentPage = template.Must(template.New("").Parse(
	`<h1>{{.Application}}</h1><p>{{.RedirectURI}}</p><form method="post"><input name="_xsrf" value="{{.XSRF}}">` +
		`{{range .Scopes}}<input name="scopes" value="{{.}}">{{end}}</form>{{range .Permissions}}<li>{{.Scope}}|{{.Text}}|{{.Filter}}</li>{{end}}`))

func (pages) Consent(w http.ResponseWriter, _ *http.Request, _ browser.Visit, view oauth.ConsentView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, view)
}

func (pages) Error(w http.ResponseWriter, _ *http.Request, _ browser.Visit, failure oauth.Failure) {
	// Not escaped, so that text of the request would be seen.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(failure.Status)
	_, _ = io.WriteString(w, failure.Message)
}

// fields are the values that the consent form has for a name.
func (a answer) fields(name string) []string {
	var values []string
	for part := range strings.SplitSeq(a.body, `<input name="`+name+`" value="`) {
		if value, _, found := strings.Cut(part, `"></form>`); found && !strings.Contains(value, `"`) {
			values = append(values, value)
		} else if value, _, found := strings.Cut(part, `">`); found && !strings.Contains(value, "<") {
			values = append(values, value)
		}
	}
	return values
}
