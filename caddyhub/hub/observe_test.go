package hub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/cull"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// changes are what the audit log says.
type changes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *changes) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

// of returns who did an action to whom, once for each time.
func (r *changes) of(t *testing.T, action string) (found []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.text.String()) {
		var e struct {
			Action, Actor, Username, Servername, Outcome string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Action == action {
			found = append(found, fmt.Sprintf("%s to %s/%s: %s", e.Actor, e.Username, e.Servername, e.Outcome))
		}
	}
	return found
}

func recorded(log *changes) func(*Settings) {
	return func(s *Settings) { s.Audit = slog.New(slog.NewJSONHandler(log, nil)) }
}

// scrape is what the metrics say, one series a line.
func (f *fixture) scrape() string {
	f.t.Helper()
	var text bytes.Buffer
	if err := f.Metrics().WriteText(&text); err != nil {
		f.t.Fatal(err)
	}
	return text.String()
}

// TestMetricsOutlive: the life of servers is counted, numbers are those of the
// store, and a new configuration sets nothing back.
func TestMetricsOutlive(t *testing.T) {
	f := newFixture(t)
	platform := new(platform)
	first := f.configure(settings(platform))
	if !f.starts("ada", platform) {
		t.Fatal("not started")
	}
	f.configure(settings(platform, func(s *Settings) { s.Servers.Named.Enabled = true }))
	f.Release(first)
	if _, err := f.opened.servers.Stop(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	if _, err := f.opened.servers.Wait(t.Context(), "ada", "", time.Minute); err != nil {
		t.Fatal(err)
	}
	missing := ""
	for range 200 {
		missing = ""
		text := f.scrape()
		for _, want := range []string{
			"jupyterhub_total_users 2", `jupyterhub_server_spawn_duration_seconds_count{status="success"} 1`,
			`jupyterhub_server_stop_seconds_count{status="success"} 1`, "jupyterhub_running_servers 0",
			`jupyterhub_proxy_add_duration_seconds_count{status="success"} 1`,
			`jupyterhub_proxy_delete_duration_seconds_count{status="success"} 1`,
			"jupyterhub_hub_startup_duration_seconds_count 1", "caddyhub_store_in_touch 1",
		} {
			if !strings.Contains(text, want+"\n") {
				missing = want
			}
		}
		if missing == "" {
			return
		}
		// The feed and the hooks tell a moment later.
		<-time.After(25 * time.Millisecond)
	}
	t.Errorf("no %s in\n%s", missing, f.scrape())
}

// TestRefusedAs: refusals of starts under JupyterHub's names.
func TestRefusedAs(t *testing.T) {
	for err, want := range map[error]string{
		server.ErrPending: "already-pending", server.ErrSpawnLimit: "throttled", server.ErrActiveLimit: "too-many-users", server.ErrRunning: "",
	} {
		if got := refusedAs(fmt.Errorf("wrapped: %w", err)); string(got) != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// TestVisitsAreRecorded: an administrator at somebody else's server leaves one
// record, not one for each request, and the owner none.
func TestVisitsAreRecorded(t *testing.T) {
	var log changes
	f := newFixture(t)
	platform := new(platform)
	site := f.configure(settings(platform, recorded(&log)))
	if !f.starts("ada", platform) {
		t.Fatal("not started")
	}
	for _, user := range []string{"root", "ada"} {
		cookie, _, err := site.directory.CreateSession(t.Context(), user, "test")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			r := httptest.NewRequest("GET", "/user/ada/lab", nil)
			r.AddCookie(&http.Cookie{Name: "caddyhub-session", Value: cookie})
			reached := false
			_ = site.Edge.Serve(httptest.NewRecorder(), r, func(http.ResponseWriter, *http.Request, route.Route) error {
				reached = true
				return nil
			})
			if !reached {
				t.Fatalf("%s does not reach the server", user)
			}
		}
	}
	if got := log.of(t, "server.access"); len(got) != 1 || got[0] != "root to ada/: success" {
		t.Errorf("recorded %q", got)
	}
	if got := log.of(t, "configuration.apply"); len(got) != 1 {
		t.Errorf("recorded %q", got)
	}
	if text := f.scrape(); !strings.Contains(text, `caddyhub_decisions_total{decision="allowed"} 6`) {
		t.Error("6 decisions are not counted")
	}
}

// TestVisitsAreBounded: what is remembered of visits does not grow without end.
func TestVisitsAreBounded(t *testing.T) {
	var seen visits
	now := time.Now()
	one := visit{actor: audit.Actor{Name: "root"}, user: "ada"}
	if !seen.first(one, now) || seen.first(one, now.Add(visitEvery-1)) || !seen.first(one, now.Add(visitEvery)) {
		t.Error("a visit is not recorded once an hour")
	}
	for i := range 3 * maxVisits {
		seen.first(visit{user: fmt.Sprint(i)}, now)
	}
	if len(seen.since) > maxVisits {
		t.Errorf("%d visits are remembered", len(seen.since))
	}
}

// TestCull: a configuration has servers culled that nobody uses, and users with
// what is left of them.
func TestCull(t *testing.T) {
	var log changes
	f := newFixture(t)
	platform := new(platform)
	f.configure(settings(platform))
	if !f.starts("ada", platform) {
		t.Fatal("not started")
	}
	f.configure(settings(platform, recorded(&log), func(s *Settings) {
		s.Cull = cull.Settings{MaxAge: time.Nanosecond, Users: true, Interval: time.Second}
	}))
	for range 400 {
		if strings.Contains(strings.Join(log.of(t, "user.cull"), "\n"), " to ada/: success") {
			break
		}
		<-time.After(25 * time.Millisecond)
	}
	for _, action := range []string{"server.cull", "user.cull"} {
		if got := log.of(t, action); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), " to ada/: success") {
			t.Errorf("%s: recorded %q", action, got)
		}
	}
}
