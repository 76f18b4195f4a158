package oauth_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
)

// TestRecords: who let which client in, each token that came of it, and the
// attempts that were refused; never a code, a token or a client's secret.
func TestRecords(t *testing.T) {
	var (
		mu      sync.Mutex
		log     bytes.Buffer
		counted = make(map[string]int)
	)
	h := newHub(t)
	h.serve(t, oauth.Options{
		Audit: audit.New(slog.New(slog.NewJSONHandler(&log, nil))),
		Observe: func(handler, method string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			counted[method+" "+handler] = status
		},
	})
	visitor, session := h.login(t, "ada")
	code := h.code(t, visitor, h.server())
	h.exchange(t, code, "client_secret", "sesame")
	got := h.exchange(t, code)
	h.exchange(t, code)
	other := *h.server()
	other.RedirectURL = "https://evil.example.org/"
	get(t, visitor, other.AuthCodeURL("state of mind"))

	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &token); err != nil || token.AccessToken == "" {
		t.Fatalf("%s: %v", got.body, err)
	}
	for _, secret := range []string{code, token.AccessToken, serverSecret, "sesame", "state of mind", "evil"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is recorded:\n%s", secret, log.String())
		}
	}
	var lines []string
	for line := range strings.Lines(log.String()) {
		var e struct {
			Action, Outcome, Actor, Username, Remote, Token string
			Kind                                            string `json:"actor_kind"`
			Client                                          string `json:"client_id"`
			Session                                         string `json:"session_id"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Remote != "127.0.0.1" || (e.Kind == "user") != (e.Session == session.ID) ||
			(e.Token != "") != (e.Action == "oauth.token" && e.Outcome == "success") {
			t.Errorf("recorded %s", line)
		}
		lines = append(lines, strings.Join([]string{e.Action, e.Outcome, "by", e.Kind, e.Actor, "to", e.Username, "for", e.Client}, " "))
	}
	want := []string{
		"oauth.authorize success by user ada to ada for " + serverID,
		"oauth.token refused by client  to  for ",
		"oauth.token success by client " + serverID + " to ada for " + serverID,
		"oauth.token refused by client " + serverID + " to  for " + serverID,
		"oauth.authorize refused by user ada to ada for ",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(map[string]int{"GET oauth authorize": http.StatusBadRequest, "POST oauth token": http.StatusBadRequest}, counted); diff != "" {
		t.Errorf("counted (-want +got)\n%s", diff)
	}
}
