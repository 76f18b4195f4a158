package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// records collects what an audit log writes.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

// take returns what was recorded since the last call, without times.
func (r *records) take(t *testing.T) []map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []map[string]any
	for decoder := json.NewDecoder(&r.text); ; {
		var one map[string]any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			r.text.Reset()
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"time", "level", "msg"} {
			delete(one, name)
		}
		all = append(all, one)
	}
}

// recorded is a setting of a hub: its audit log, routine included, goes to into.
func recorded(into *records) func(*settings) {
	return func(s *settings) {
		s.api.Audit = audit.New(slog.New(slog.NewJSONHandler(into, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}
}

// TestEveryChangeIsRecorded walks the endpoints: whatever may change something
// leaves one record, by whomever it is called and whatever comes of it, and the
// record has a name for it.
func TestEveryChangeIsRecorded(t *testing.T) {
	var log records
	h := newHub(t, recorded(&log))
	root, nobody := h.token("root", "inherit"), h.token("eve", "read:users:name!user=eve")
	changing := h.api.Changing()
	if len(changing) < 20 || len(changing) != api.Actions() {
		t.Errorf("%d endpoints change something, and the audit log knows %d", len(changing), api.Actions())
	}
	path := strings.NewReplacer("{user}", "ada", "{server}", "lab", "{group}", "astro", "{service}", "portal", "{token}", "a1")
	for _, endpoint := range changing {
		method, pattern := endpoint[0], endpoint[1]
		if !api.Named(method, pattern) {
			t.Errorf("%s %s: give it a name in actions.go, and say which fields of its body are no secret", method, pattern)
		}
		for token, actor := range map[string]string{root: "root", nobody: "eve", "": "", "wrong": ""} {
			got := httptest.NewRecorder()
			h.api.ServeHTTP(got, request{method: method, path: path.Replace(pattern), token: token, body: `{}`}.http(t.Context()))
			all := log.take(t)
			if len(all) != 1 || all[0]["status"] != float64(got.Code) || all[0]["action"] == "" {
				t.Errorf("%s %s by %q: %d; recorded %v", method, pattern, actor, got.Code, all)
				continue
			}
			if name, _ := all[0]["actor"].(string); name != actor && !strings.HasPrefix(pattern, "/authorizations/") {
				t.Errorf("%s %s by %q: recorded as of %q", method, pattern, actor, name)
			}
		}
		got := httptest.NewRecorder()
		h.api.ServeHTTP(got, request{method: http.MethodGet, path: path.Replace(pattern), token: root}.http(t.Context()))
		if all := log.take(t); len(all) != 0 {
			t.Errorf("GET %s: recorded %v", pattern, all)
		}
	}
}

// TestRecords: who did what to whom, from where, by which token, and what came
// of it.
func TestRecords(t *testing.T) {
	var log records
	h := newHub(t, recorded(&log))
	root, eve := h.token("root", "inherit"), h.token("eve", "inherit")
	cookie, xsrf := h.session("root")
	for name, test := range map[string]struct {
		request request
		want    map[string]any
	}{
		"users made": {
			request{method: http.MethodPost, path: "/users", token: root, body: `{"usernames": ["xena", "yves"], "admin": true}`},
			map[string]any{
				"action": "user.create", "outcome": "success", "status": 201.0, "actor_kind": "user", "actor": "root", "token_id": "*",
				"details": map[string]any{"usernames": []any{"xena", "yves"}, "admin": true},
			},
		},
		"refused": {
			request{method: http.MethodDelete, path: "/users/ada", token: eve},
			map[string]any{
				"action": "user.delete", "outcome": "refused", "status": 403.0, "actor_kind": "user", "actor": "eve", "token_id": "*",
				"username": "ada",
			},
		},
		"by session": {
			request{method: http.MethodDelete, path: "/users/ada/server", cookie: cookie}.with("X-XSRFToken", xsrf),
			map[string]any{
				"action": "server.stop", "outcome": "success", "status": 204.0, "actor_kind": "user", "actor": "root", "session_id": "*",
				"username": "ada", "servername": "",
			},
		},
		"a service": {
			request{method: http.MethodPost, path: "/users/ada/servers/lab", token: "portal-secret", body: `{"password": "sesame"}`},
			map[string]any{
				"action": "server.start", "outcome": "success", "status": 201.0, "actor_kind": "service", "actor": "portal", "token_id": "*",
				"username": "ada", "servername": "lab",
			},
		},
		"a token made": {
			request{method: http.MethodPost, path: "/users/ada/tokens", token: root, body: `{"note": "mine", "expires_in": 60}`},
			map[string]any{
				"action": "token.create", "outcome": "success", "status": 201.0, "actor_kind": "user", "actor": "root", "token_id": "*",
				"username": "ada", "token": "*", "details": map[string]any{"note": "mine", "expires_in": 60.0},
			},
		},
		"a token in the place of its id": {
			request{method: http.MethodDelete, path: "/users/root/tokens/" + eve, token: root},
			map[string]any{
				"action": "token.revoke", "outcome": "refused", "status": 404.0, "actor_kind": "user", "actor": "root", "token_id": "*",
				"username": "root",
			},
		},
		"nonsense": {
			request{method: http.MethodPost, path: "/groups/astro/users", token: root, body: `{"users": `},
			map[string]any{
				"action": "group.add_users", "outcome": "refused", "status": 400.0, "actor_kind": "user", "actor": "root", "token_id": "*",
				"group": "astro",
			},
		},
	} {
		h.api.ServeHTTP(httptest.NewRecorder(), test.request.http(t.Context()))
		all := log.take(t)
		if len(all) != 1 {
			t.Errorf("%s: recorded %v", name, all)
			continue
		}
		if text, _ := json.Marshal(all); strings.Contains(string(text), "sesame") || strings.Contains(string(text), eve) || strings.Contains(string(text), root) {
			t.Errorf("%s: there is a secret in %s", name, text)
		}
		if all[0]["remote"] != "192.0.2.1" {
			t.Errorf("%s: from %v", name, all[0]["remote"])
		}
		delete(all[0], "remote")
		for _, field := range []string{"token", "token_id"} {
			if id, _ := all[0][field].(string); identity.IsTokenID(id) {
				all[0][field] = "*"
			}
		}
		if id, _ := all[0]["session_id"].(string); id != "" && !strings.HasPrefix(cookie, id) {
			all[0]["session_id"] = "*"
		}
		if diff := cmp.Diff(test.want, all[0]); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// TestObserve: every answer is counted under a pattern, whatever the path.
func TestObserve(t *testing.T) {
	type seen struct {
		Handler, Method string
		Status          int
	}
	var all []seen
	h := newHub(t, func(s *settings) {
		s.api.Observe = func(handler, method string, status int, _ time.Duration) {
			all = append(all, seen{handler, method, status})
		}
	})
	root := h.token("root", "inherit")
	for _, r := range []request{
		{method: "GET", path: "/users/ada", token: root}, {method: "GET", path: "/users/nobody", token: root},
		{method: "BREW", path: "/users/ada", token: root}, {method: "GET", path: "/nowhere/sesame"},
		{method: "HEAD", path: "/hub/health"},
	} {
		h.api.ServeHTTP(httptest.NewRecorder(), r.http(t.Context()))
	}
	want := []seen{
		{"api /users/{user}", "GET", 200}, {"api /users/{user}", "GET", 404}, {"api /users/{user}", "BREW", 405},
		{"api unknown", "GET", 404}, {"api /health", "HEAD", 200},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestMetrics: the scope opens them, at both addresses, or the operator does.
func TestMetrics(t *testing.T) {
	serve := func(s *settings) {
		s.api.Metrics = func(to io.Writer) error {
			_, err := io.WriteString(to, "jupyterhub_total_users 4\n")
			return err
		}
	}
	h := newHub(t, serve)
	get := func(h *hub, path, token string) *httptest.ResponseRecorder {
		got := httptest.NewRecorder()
		h.api.ServeHTTP(got, request{method: "GET", path: path, token: token}.http(t.Context()))
		return got
	}
	const text = "jupyterhub_total_users 4\n"
	for _, path := range []string{"/metrics", "/hub/metrics"} {
		for _, token := range []string{"", "wrong", h.token("eve", "inherit")} {
			if got := get(h, path, token); got.Code != 403 || message(got) != "Access to metrics requires scope 'read:metrics'" {
				t.Errorf("%s: %d %s", path, got.Code, got.Body)
			}
		}
		got := get(h, path, h.token("root", "read:metrics"))
		if kind := got.Header().Get("Content-Type"); got.Code != 200 || got.Body.String() != text || kind != "text/plain; version=1.0.0; charset=utf-8" {
			t.Errorf("%s: %d %s %q", path, got.Code, kind, got.Body)
		}
	}
	open := newHub(t, serve, func(s *settings) { s.api.MetricsForAll = true })
	open.store.away.Store(true)
	if got := get(open, "/hub/metrics", ""); got.Code != 200 || got.Body.String() != text {
		t.Errorf("for all, the store away: %d %s", got.Code, got.Body)
	}
	if none := newHub(t); get(none, "/metrics", none.token("root", "inherit")).Code != 404 {
		t.Error("there are metrics where nothing is counted")
	}
}
