package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
)

// TestActionsAreNamed walks the paths: whatever may change something is named
// in the audit log, or says that it changes nothing.
func TestActionsAreNamed(t *testing.T) {
	for _, route := range newSite(t).routes {
		if (route.post != nil || route.acts) != (route.action != "") {
			t.Errorf("/%s: post or acts, and action %q", route.path, route.action)
		}
	}
}

// records are what the audit log says, one line each.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

// take returns action, outcome, actor, target and server of what was recorded
// since the last call; what has a secret in it fails the test.
func (r *records) take(t *testing.T, secrets ...string) (lines []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.text.Reset()
	for _, secret := range secrets {
		if strings.Contains(r.text.String(), secret) {
			t.Errorf("a secret is recorded: %s", r.text.String())
		}
	}
	for line := range strings.Lines(r.text.String()) {
		var e struct {
			Action, Outcome, Actor, Username, Remote string
			Kind                                     string  `json:"actor_kind"`
			Session                                  string  `json:"session_id"`
			Server                                   *string `json:"servername"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Remote != "192.0.2.1" || (e.Kind == "user") != (e.Session != "") {
			t.Errorf("not from where or by what: %s", line)
		}
		text := e.Action + " " + e.Outcome + " by " + e.Kind + " " + e.Actor + " to " + e.Username
		if e.Server != nil {
			text += "/" + *e.Server
		}
		lines = append(lines, text)
	}
	return lines
}

// TestRecords: logins, logouts and what pages change, with what came of it; and
// nothing for looking.
func TestRecords(t *testing.T) {
	var log records
	var attempts []audit.Outcome
	s := newSite(t, func(s *setup) {
		s.Audit = audit.New(slog.New(slog.NewJSONHandler(&log, nil)))
		s.Attempted = func(outcome audit.Outcome) { attempts = append(attempts, outcome) }
		s.Named.Enabled = true
	})
	p := s.person()
	expect := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, log.take(t, "sesame", "wrong password")); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", what, diff)
		}
	}
	p.get("/hub/login")
	p.get("/hub/logout")
	expect("nobody does nothing")
	p.submit("/hub/login", "/hub/login", url.Values{"username": {"ada"}, "password": {"wrong password"}})
	expect("a wrong password", "login refused by anonymous  to ada")
	p.post("/hub/login", url.Values{"username": {"ada"}, "password": {"sesame"}})
	expect("a form of somebody else", "login refused by anonymous  to ")
	p.login("ada")
	expect("login", "login success by user ada to ada")
	p.get("/hub/home")
	p.get("/hub/token")
	expect("looking")
	p.submit("/hub/token", "/hub/token", url.Values{"note": {"mine"}})
	expect("a token", "token.create success by user ada to ada")
	p.submit("/hub/token", "/hub/token/revoke/a1", nil)
	expect("revoked", "token.revoke success by user ada to ada")
	p.get("/hub/spawn")
	s.settle("ada", "")
	expect("a start", "server.start success by user ada to ada/")
	p.get("/hub/spawn")
	expect("a start of what runs")
	p.get("/hub/spawn/bob")
	expect("a start that is not allowed", "server.start refused by user ada to bob")
	p.submit("/hub/home", "/hub/stop/ada", nil)
	s.settle("ada", "")
	expect("a stop", "server.stop success by user ada to ada/")
	p.submit("/hub/home", "/hub/delete/ada/lab", nil)
	expect("a removal", "server.remove refused by user ada to ada/lab")
	s.store.Away.Store(true)
	p.submit("/hub/home", "/hub/stop/ada", nil)
	s.store.Away.Store(false)
	log.take(t)
	p.get("/hub/logout")
	expect("logout", "logout success by user ada to ada")
	if diff := cmp.Diff([]audit.Outcome{audit.Refused, audit.Refused, audit.Success}, attempts); diff != "" {
		t.Errorf("attempts to log in: (-want +got)\n%s", diff)
	}
}

// TestObserve: every answer is counted under a pattern, whatever the path.
func TestObserve(t *testing.T) {
	counted := make(map[string]int)
	s := newSite(t, func(s *setup) {
		s.Observe = func(handler, method string, status int, _ time.Duration) { counted[method+" "+handler] = status }
	})
	p := s.person()
	for _, path := range []string{"/hub/login", "/hub/spawn/ada", "/hub/nowhere", "/elsewhere", "/hub/static/none"} {
		p.get(path)
	}
	p.send(http.MethodDelete, "/hub/home", "", "")
	want := map[string]int{
		"GET page /login": 200, "GET page /spawn/{user}": 302, "GET page /unknown": 302, "GET page /static/{rest}": 404,
		"DELETE page /home": 405,
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
