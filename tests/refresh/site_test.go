package refresh_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// cookieName is the cookie that the site gives people; its value is their name.
const cookieName = "org-id-token"

// site is a login service whose answers a test chooses, and which counts.
type site struct {
	url string

	mu sync.Mutex
	// status is the answer about everybody, but for those in gone.
	status int
	groups []string
	gone   map[string]bool
	slow   time.Duration
	// asked is how often somebody was asked about, under how many questions about
	// one person were under way, and most how many were at most.
	asked, under, most map[string]int
	// refused is when somebody was refused first.
	refused time.Time
}

func newSite(t testing.TB) *site {
	s := &site{
		status: http.StatusOK, gone: make(map[string]bool),
		asked: make(map[string]int), under: make(map[string]int), most: make(map[string]int),
	}
	server := httptest.NewServer(http.HandlerFunc(s.verify))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) verify(w http.ResponseWriter, r *http.Request) {
	name := ""
	if cookie, err := r.Cookie(cookieName); err == nil {
		name = cookie.Value
	}
	s.mu.Lock()
	s.asked[name]++
	s.under[name]++
	s.most[name] = max(s.most[name], s.under[name])
	slow, status, groups := s.slow, s.status, s.groups
	if s.gone[name] {
		status = http.StatusUnauthorized
		if s.refused.IsZero() {
			s.refused = time.Now()
		}
	}
	s.mu.Unlock()
	time.Sleep(slow)
	s.mu.Lock()
	s.under[name]--
	s.mu.Unlock()
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "groups": groups})
}

// set changes what the site does.
func (s *site) set(change func(*site)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// of is how often somebody was asked about, and the most questions at one time.
func (s *site) of(name string) (asked, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name], s.most[name]
}

// since is how long ago somebody was refused first.
func (s *site) since() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.refused).Round(time.Millisecond)
}

// options are those of a hub that believes the site, with simple servers.
func (s *site) options(t testing.TB, session string, words ...string) hubtest.Options {
	return hubtest.Options{
		Spawner: upstream.Spawner(t),
		Authenticator: `authenticator external_cookie {
			cookie ` + cookieName + `
			verify ` + s.url + `
			groups_claim groups
			` + strings.Join(words, "\n") + `
		}`,
		Hub: "session {\n" + session + "\n}",
	}
}

// nodes starts two nodes over Redis.
func (s *site) nodes(t testing.TB, session string) (a, b *hubtest.Hub) {
	t.Helper()
	options := s.options(t, session)
	options.Redis = redistest.Start(t, redistest.Options{})
	a = hubtest.Start(t, options)
	return a, a.Node()
}

// person is a browser with a session and the cookie of the site.
type person struct {
	*hubtest.Client
	name    string
	session string
}

// comes logs somebody in, by the cookie alone, and starts their server.
func comes(t testing.TB, hub *hubtest.Hub, name string) *person {
	t.Helper()
	p := &person{Client: hub.Anonymous(), name: name}
	if got := p.navigate("/hub/login?next=%2Fhub%2Fhome"); got.Status != http.StatusFound || got.Header.Get("Location") != "/hub/home" {
		t.Fatalf("login of %s: %s", name, got)
	}
	p.session = p.Cookie("/", "caddyhub-session").Value
	hub.API(hub.Token(name)).StartServer(name, "")
	return p
}

// at is the same browser, at another node.
func (p *person) at(node *hubtest.Hub) *person {
	other := &person{Client: node.Anonymous(), name: p.name, session: p.session}
	other.HTTP.Jar = p.HTTP.Jar
	return other
}

func (p *person) navigate(path string) hubtest.Answer {
	return p.Do(http.MethodGet, path, nil, "Cookie", cookieName+"="+p.name, "Sec-Fetch-Mode", "navigate")
}

// reads makes a request as a script of the page does.
func (p *person) reads(path string) hubtest.Answer {
	return p.Do(http.MethodGet, path, nil, "Cookie", cookieName+"="+p.name, "Accept", "application/json")
}

func (p *person) server() string { return "/user/" + p.name + "/api/x" }
