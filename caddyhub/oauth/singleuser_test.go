package oauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// The real jupyterhub-singleuser logs its visitors in through the provider: its
// owner unseen, a guest after a question, a stranger never; and a token that is
// taken back opens nothing under a new session id.
func TestJupyterHubSingleuser(t *testing.T) {
	venv, h := virtualEnvironment(t), newHub(t)
	const owner = "a-b ü@example.org"
	server := scope.Server{User: owner, Name: "lab"}
	s := &realServer{hub: h, prefix: hubpath.Base("/").Server(owner, "lab"), server: server}
	s.addOwner(t)
	s.start(t, venv)
	status := s.site.URL + s.prefix + "api/status"

	ada := s.login(t, owner)
	if got := get(t, ada, s.site.URL+s.prefix); got.StatusCode != http.StatusOK || got.Request.URL.EscapedPath() != s.prefix+"lab" {
		t.Fatalf("the owner: %d %s %s", got.StatusCode, got.Request.URL, got.body)
	}
	if got := get(t, ada, status); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"started"`) {
		t.Fatalf("the owner: %d %s %s", got.StatusCode, got.Request.URL, got.body)
	}
	if s.asked() != 0 {
		t.Error("the owner was asked for consent")
	}
	bob := s.login(t, "bob")
	page := get(t, bob, s.site.URL+s.prefix)
	if page.StatusCode != http.StatusOK || s.asked() != 1 {
		t.Fatalf("the guest: %d %s %s", page.StatusCode, page.Request.URL, page.body)
	}
	post(t, bob, page.Request.URL.String(), url.Values{"_xsrf": page.fields("_xsrf"), "scopes": page.fields("scopes")})
	if got := get(t, bob, status); got.StatusCode != http.StatusOK {
		t.Errorf("the guest after consent: %d %s", got.StatusCode, got.body)
	}
	if got := get(t, s.login(t, "eve"), s.site.URL+s.prefix); got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "You do not have permission to access Server at ") {
		t.Errorf("a stranger: %d %s", got.StatusCode, got.body)
	}
	s.revoke(t, owner)
	// The single-user server remembers answers by session id; a new one asks.
	address, _ := url.Parse(s.site.URL)
	ada.Jar.SetCookies(address, []*http.Cookie{{Name: browser.BrowserSessionCookie, Value: "0123456789abcdef0123456789abcdef", Path: "/"}})
	ada.CheckRedirect = stay
	if got := get(t, ada, status); got.StatusCode != http.StatusForbidden {
		t.Errorf("after revocation: %d %s", got.StatusCode, got.body)
	}
}

// realServer is a single-user server behind a hub that consists of the provider,
// the two calls of the API that it needs, and a plain proxy.
type realServer struct {
	hub    *hub
	site   *httptest.Server
	prefix string
	server scope.Server

	mu       sync.Mutex
	consents int
}

const ownSecret = "0123456789abcdef0123456789abcdef"

func (s *realServer) addOwner(t *testing.T) {
	t.Helper()
	if _, err := s.hub.directory.CreateUser(t.Context(), s.server.User, false); err != nil {
		t.Fatal(err)
	}
	config := configuration()
	config.Roles = append(config.Roles, identity.ConfiguredRole{
		Role: identity.Role{Name: "lab-guest", Scopes: []string{"access:servers!server=" + s.server.String()}}, Users: []string{"bob"},
	})
	if err := s.hub.directory.Apply(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	s.hub.update(t, func(w store.Writer) error {
		_, err := s.hub.directory.CreateTokenIn(w, ownSecret, identity.NewToken{
			Owner: identity.UserOwner(s.server.User), Scopes: []string{"users:activity!user"}, Note: "Server at " + s.prefix,
		})
		if err != nil {
			return err
		}
		return s.hub.directory.PutClient(w, identity.OAuthClient{
			ID: hubpath.ClientID(s.server.User, s.server.Name), RedirectURI: s.prefix + "oauth_callback",
			Description: "Server at " + s.prefix, Target: scope.Client{Server: s.server},
		}, ownSecret)
	})
}

// start serves the site and starts the single-user server behind it.
func (s *realServer) start(t *testing.T, venv string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	upstream := &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)}
	provider := oauth.New(oauth.Options{
		Directory: s.hub.directory, Browser: s.hub.browser, Base: "/", Pages: countingPages{pages{}, s}, Now: s.hub.clock.Now,
	})
	mux := http.NewServeMux()
	mux.Handle("/hub/api/oauth2/", provider)
	mux.HandleFunc("GET /hub/api", s.version)
	mux.HandleFunc("GET /hub/api/user", s.who)
	mux.HandleFunc("POST /hub/api/users/{name}/activity", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/user/", httputil.NewSingleHostReverseProxy(upstream))
	s.site = httptest.NewServer(mux)
	t.Cleanup(s.site.Close)
	s.run(t, venv, port)
	eventually(t, upstream.String()+s.prefix+"api")
}

func (s *realServer) run(t *testing.T, venv string, port int) {
	t.Helper()
	home := t.TempDir()
	environment, err := spawner.Environment(spawner.Params{
		User: s.server.User, Server: s.server.Name, Token: ownSecret, ClientID: hubpath.ClientID(s.server.User, s.server.Name),
		APIURL: s.site.URL + "/hub/api", Prefix: s.prefix, RootDir: home,
		Environment: map[string]string{"PATH": filepath.Join(venv, "bin") + ":" + os.Getenv("PATH"), "HOME": home},
	})
	if err != nil {
		t.Fatal(err)
	}
	environment["JUPYTERHUB_SERVICE_URL"] = spawner.ServiceURL("http", "127.0.0.1", port, s.prefix)
	arguments := []string{}
	if os.Geteuid() == 0 {
		arguments = append(arguments, "--allow-root")
	}
	command := exec.Command(filepath.Join(venv, "bin", "jupyterhub-singleuser"), arguments...)
	command.Dir = home
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
}

func (s *realServer) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-JupyterHub-Version", "5.5.1")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"version": "5.5.1"}`))
}

// who is GET /user as far as a single-user server needs it.
func (s *realServer) who(w http.ResponseWriter, r *http.Request) {
	visit, err := s.hub.browser.Identify(r)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case visit.Identity == nil:
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "user", "name": visit.Identity.Name(), "admin": false, "groups": []string{},
		"session_id": visit.Identity.BrowserSession(), "scopes": visit.Identity.Scopes.Strings(),
	})
}

// login returns a browser that follows redirects.
func (s *realServer) login(t *testing.T, user string) *http.Client {
	t.Helper()
	cookie, session, err := s.hub.directory.CreateSession(t.Context(), user, "dummy")
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	s.hub.browser.SetSession(recorder, httptest.NewRequest(http.MethodGet, s.site.URL, nil), cookie, session)
	cookies := recorder.Result().Cookies()
	for _, cookie := range cookies {
		cookie.Expires = time.Time{}
	}
	address, _ := url.Parse(s.site.URL)
	jar.SetCookies(address, cookies)
	return &http.Client{Jar: rawPaths{jar}, Transport: navigating{}}
}

// rawPaths compares the paths of cookies as browsers do, percent-encoded. Go's
// jar decodes those of requests.
type rawPaths struct{ http.CookieJar }

func (j rawPaths) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.EscapedPath()}, cookies)
}

func (j rawPaths) Cookies(u *url.URL) []*http.Cookie {
	return j.CookieJar.Cookies(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.EscapedPath()})
}

// navigating makes every request one that a person waits for.
type navigating struct{}

func (navigating) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Accept", "text/html")
	return http.DefaultTransport.RoundTrip(r)
}

func (s *realServer) revoke(t *testing.T, user string) {
	t.Helper()
	s.hub.update(t, func(w store.Writer) error {
		tokens, err := identity.ClientTokens(w, hubpath.ClientID(s.server.User, s.server.Name), identity.UserOwner(user))
		if err == nil && len(tokens) == 0 {
			err = errors.New("no token was issued")
		}
		for _, token := range tokens {
			err = errors.Join(err, identity.DeleteTokenIn(w, identity.UserOwner(user), token.ID))
		}
		return err
	})
}

func (s *realServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consents
}

// countingPages counts the questions.
type countingPages struct {
	pages
	server *realServer
}

func (c countingPages) Consent(w http.ResponseWriter, r *http.Request, visit browser.Visit, view oauth.ConsentView) {
	c.server.mu.Lock()
	c.server.consents++
	c.server.mu.Unlock()
	c.pages.Consent(w, r, visit, view)
}

// eventually waits until an address answers.
func eventually(t *testing.T, address string) {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(90 * time.Second)
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("no answer from %s", address)
		}
	}
}

// virtualEnvironment finds the Python environment of the project's tests.
func virtualEnvironment(t *testing.T) string {
	t.Helper()
	candidates := []string{os.Getenv("CADDYHUB_TEST_VENV")}
	for dir, err := os.Getwd(); err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			candidates = append(candidates, filepath.Join(dir, "tests", ".venv"))
			break
		}
	}
	for _, candidate := range candidates {
		if _, err := exec.LookPath(filepath.Join(candidate, "bin", "jupyterhub-singleuser")); err == nil && candidate != "" {
			return candidate
		}
	}
	if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
		t.Fatal("jupyterhub-singleuser is missing: set CADDYHUB_TEST_VENV")
	}
	t.Skip("needs jupyterhub-singleuser: set CADDYHUB_TEST_VENV")
	return ""
}
