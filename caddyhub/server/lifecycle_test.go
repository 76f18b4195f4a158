package server

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestStartAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		begun := time.Now().UTC()
		s := h.ready(n, "ada", "lab")

		if s.Started != begun || s.Node != "east" || s.Failure != nil || s.URL != "http://10.0.0.1:40001" {
			t.Errorf("server = %+v", s)
		}
		if got := h.routed(s.Route); got != s.URL || s.Route.String() != "/user/ada/lab/" {
			t.Errorf("route %v leads to %q, want %q", s.Route, got, s.URL)
		}
		if took := time.Since(begun); took > 200*time.Millisecond {
			t.Errorf("a server that answers at once is ready after %v", took)
		}
		if leases := h.count(kindLease); leases != 0 {
			t.Errorf("%d leases after the start", leases)
		}
		checkCredentials(t, h, s)

		time.Sleep(time.Minute)
		if done, err := n.Stop(t.Context(), "ada", "lab", false); done || err != nil {
			t.Fatalf("stop = %v, %v", done, err)
		}
		if got := h.routed(s.Route); got != "" {
			t.Errorf("the route is still there while the server stops: %q", got)
		}
		s = h.wait(n, "ada", "lab")
		if s.Active() || s.URL != "" || s.State != nil || s.TokenID != "" || s.ClientID != "" || s.Failure != nil {
			t.Errorf("stopped server = %+v", s)
		}
		if h.platform.alive("ada") != 0 {
			t.Error("the program still runs")
		}
		h.spotless()
		h.view(func(r store.Reader) error {
			last, err := n.LastActivity(r, "ada", "lab")
			if !last.After(begun) {
				t.Errorf("last activity %v, want the time of the stop", last)
			}
			return err
		})
		if done, err := n.Stop(t.Context(), "ada", "lab", false); !done || err != nil {
			t.Errorf("second stop = %v, %v; want done", done, err)
		}
	})
}

func checkCredentials(t *testing.T, h *hub, s Server) {
	t.Helper()
	var env map[string]string
	h.platform.set("ada", func(p *program) { env = p.request.Environment })
	who, err := h.directory.ByToken(t.Context(), env["JUPYTERHUB_API_TOKEN"])
	if err != nil {
		t.Fatalf("the server's token: %v", err)
	}
	if who.User == nil || who.User.Name != "ada" || !who.Token.OfServer() || who.Token.ID != s.TokenID || len(env["JUPYTERHUB_API_TOKEN"]) != 32 {
		t.Errorf("token %+v of %+v", who.Token, who.Owner)
	}
	want := []string{
		"access:servers!server=ada/lab", "read:users:activity!user=ada", "read:users:groups!user=ada",
		"read:users:name!user=ada", "users:activity!user=ada",
	}
	if diff := cmp.Diff(want, who.Scopes.Strings()); diff != "" {
		t.Errorf("scopes of the server's token (-want +got):\n%s", diff)
	}
	h.view(func(r store.Reader) error {
		client, err := identity.GetClient(r, "jupyterhub-user-ada-lab")
		if err != nil {
			t.Fatal(err)
		}
		if !h.directory.VerifyClientSecret(client, env["JUPYTERHUB_API_TOKEN"]) {
			t.Error("the token is not the secret of the OAuth client")
		}
		client.SecretHash = nil
		wantClient := identity.OAuthClient{
			ID: "jupyterhub-user-ada-lab", RedirectURI: "/user/ada/lab/oauth_callback", Description: "Server at /user/ada/lab/",
			Target: scope.Client{Server: scope.Server{User: "ada", Name: "lab"}},
		}
		if diff := cmp.Diff(wantClient, client); diff != "" {
			t.Errorf("OAuth client (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestEnvironment(t *testing.T) {
	settings := Settings{
		Base: "/jupyter/", APIURL: "http://10.1.1.1/jupyter/hub/api", PublicURL: "https://hub.example.org/jupyter/",
		Launch: Launch{
			Environment: map[string]string{"CUDA": "1"}, DefaultURL: "/lab", NotebookDir: "/home/{username}",
			AllowedScopes: []string{"read:users:name!user"}, CookieOptions: map[string]any{"SameSite": "Lax"},
			CookieHostPrefix: true, Debug: true, DisableUserConfig: true, Resources: spawner.Limits{MemLimit: 1 << 30, CPULimit: 1.5},
		},
	}
	byPath := map[string]string{
		"JUPYTERHUB_API_TOKEN": "secret", "JPY_API_TOKEN": "secret",
		"JUPYTERHUB_CLIENT_ID":                   "jupyterhub-user-ada%40x-lab",
		"JUPYTERHUB_OAUTH_CALLBACK_URL":          "/jupyter/user/ada@x/lab/oauth_callback",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         `["access:servers!server=ada@x/lab","access:servers!user=ada@x"]`,
		"JUPYTERHUB_OAUTH_SCOPES":                `["access:servers!server=ada@x/lab","access:servers!user=ada@x"]`,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": `["read:users:name!user"]`,
		"JUPYTERHUB_USER":                        "ada@x", "JUPYTERHUB_SERVER_NAME": "lab",
		"JUPYTERHUB_API_URL":                    "http://10.1.1.1/jupyter/hub/api",
		"JUPYTERHUB_ACTIVITY_URL":               "http://10.1.1.1/jupyter/hub/api/users/ada@x/activity",
		"JUPYTERHUB_BASE_URL":                   "/jupyter/",
		"JUPYTERHUB_HOST":                       "https://hub.example.org",
		"JUPYTERHUB_SERVICE_PREFIX":             "/jupyter/user/ada@x/lab/",
		"JUPYTERHUB_PUBLIC_URL":                 "https://hub.example.org/jupyter/user/ada@x/lab/",
		"JUPYTERHUB_PUBLIC_HUB_URL":             "https://hub.example.org/jupyter/hub/",
		"JUPYTERHUB_COOKIE_OPTIONS":             `{"SameSite":"Lax"}`,
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "1",
		"MEM_LIMIT":                             "1073741824", "CPU_LIMIT": "1.5",
		"JUPYTERHUB_ROOT_DIR": "/home/ada@x", "JUPYTERHUB_DEFAULT_URL": "/lab",
		"JUPYTERHUB_DEBUG": "1", "JUPYTERHUB_DISABLE_USER_CONFIG": "1", "CUDA": "1",
	}
	got, err := settings.withDefaults().environment("ada@x", "lab", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byPath, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}

	settings.UserOrigin = func(user string) string { return "https://ada-x.hub.example.org" }
	got, err = settings.environment("ada@x", "lab", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://ada-x.hub.example.org/jupyter/user/ada@x/lab/"; got["JUPYTERHUB_PUBLIC_URL"] != want ||
		got["JUPYTERHUB_OAUTH_CALLBACK_URL"] != want+"oauth_callback" || got["JUPYTERHUB_HOST"] != "https://hub.example.org" {
		t.Errorf("with subdomains: %q, %q", got["JUPYTERHUB_PUBLIC_URL"], got["JUPYTERHUB_OAUTH_CALLBACK_URL"])
	}
	if spec, err := settings.spec("ada@x", "lab"); err != nil || spec.String() != "ada-x.hub.example.org/jupyter/user/ada@x/lab/" {
		t.Errorf("route with subdomains = %v, %v", spec, err)
	}
}

func TestUserOptionsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		for _, step := range []struct{ given, want string }{
			{`{"profile": "gpu"}`, `{"profile": "gpu"}`},
			{``, `{"profile": "gpu"}`},
			{`null`, `{"profile": "gpu"}`},
			{`{}`, `{}`},
		} {
			if err := n.Start(t.Context(), "ada", "", json.RawMessage(step.given)); err != nil {
				t.Fatal(err)
			}
			h.wait(n, "ada", "")
			var got json.RawMessage
			h.platform.set("ada", func(p *program) { got = p.request.Options })
			if compact(t, got) != compact(t, []byte(step.want)) {
				t.Errorf("options %s gave the spawner %s, want %s", step.given, got, step.want)
			}
			if _, err := n.Stop(t.Context(), "ada", "", false); err != nil {
				t.Fatal(err)
			}
			h.wait(n, "ada", "")
		}
	})
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	same, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(same)
}

func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		h.ready(n, "ada", "lab")
		if _, err := n.Stop(t.Context(), "ada", "lab", true); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Wait(t.Context(), "ada", "lab", time.Hour); !errors.Is(err, ErrNotFound) {
			t.Errorf("a removed server: %v", err)
		}
		h.ready(n, "ada", "")
		h.ready(n, "ada", "two")
		interaction := identity.InteractionWithServer("ada", "two")
		err := h.store.Update(t.Context(), func(w store.Writer) error {
			return h.directory.Activity().Set(w, interaction, time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.StopAll(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		h.spotless()
		for _, kind := range []string{KindServer, kindProgress, "activity"} {
			if count := h.count(kind); count != 0 {
				t.Errorf("%d records of kind %s are left of a user", count, kind)
			}
		}
		if h.platform.alive("ada") != 0 {
			t.Error("a program still runs")
		}
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "eve")
		n := h.node("east")
		if err := onlyError(n, t, "ada"); !errors.Is(err, ErrNotStarting) {
			t.Errorf("progress of a server nobody asked for: %v", err)
		}
		if err := onlyError(n, t, "nobody"); !errors.Is(err, ErrUser) {
			t.Errorf("progress of nobody's server: %v", err)
		}
		n.spawner.finish = make(chan struct{})
		h.start(n, "ada", "")
		done := make(chan []Event)
		for range 2 {
			go func() { done <- collect(t, n, "ada", "") }()
		}
		time.Sleep(time.Second)
		n.spawner.unblock()
		final := Event{
			Percent: 100, Ready: true, Message: "Server ready at /user/ada/", URL: "/user/ada/",
			HTML: `Server ready at <a href="/user/ada/">/user/ada/</a>`,
		}
		want := []Event{
			{Percent: 0, Message: "Server requested"},
			{Percent: 10, Message: "Environment prepared, starting the server"},
			{Percent: 50, Message: "Program started"},
			{Percent: 80, Message: "Server started, waiting for it to answer"},
			final,
		}
		for range 2 {
			if diff := cmp.Diff(want, <-done); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		}
		if diff := cmp.Diff([]Event{final}, collect(t, n, "ada", "")); diff != "" {
			t.Errorf("progress of a ready server (-want +got):\n%s", diff)
		}
		text, err := json.Marshal(want[0])
		if err != nil || string(text) != `{"progress":0,"message":"Server requested"}` {
			t.Errorf("encoded: %s, %v", text, err)
		}
	})
}

func onlyError(n *node, t *testing.T, user string) (last error) {
	for _, err := range n.Progress(t.Context(), user, "") {
		last = err
	}
	return last
}

func TestProgressIsBounded(t *testing.T) {
	var p progress
	for range maxEvents {
		p.add([]Event{{Message: "one"}})
	}
	seen := p.Dropped + len(p.Events)
	p.add([]Event{{Message: "two"}, {Message: "three"}})
	if len(p.Events) != maxEvents || p.Dropped != 2 {
		t.Errorf("%d events, %d dropped", len(p.Events), p.Dropped)
	}
	if diff := cmp.Diff([]Event{{Message: "two"}, {Message: "three"}}, p.after(seen)); diff != "" {
		t.Errorf("new events (-want +got):\n%s", diff)
	}
	if got := len(p.after(0)); got != maxEvents {
		t.Errorf("a late listener is told %d events", got)
	}
	if long := clip(strings.Repeat("ä", maxMessage), maxMessage); len(long) > maxMessage+3 {
		t.Errorf("a message of %d bytes", len(long))
	}
}
