package page

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func TestHomeOffersWhatTheStateAllows(t *testing.T) {
	p := newPages(t, Options{})
	server := Server{URL: "/user/ada/", StartURL: "/hub/spawn/ada", PendingURL: "/hub/spawn-pending/ada", StopURL: "/stop", DeleteURL: "/delete"}
	tests := map[ServerState]struct {
		start string
		stop  bool
	}{
		Stopped:  {"/hub/spawn/ada", false},
		Starting: {"/hub/spawn-pending/ada", true},
		Running:  {"/user/ada/", true},
		Stopping: {"", false},
	}
	for state, want := range tests {
		t.Run(state.Label(), func(t *testing.T) {
			server.State = state
			body, root := render(t, p, Visitor{Name: "ada"}, Home{Server: server})
			start := ""
			for _, node := range elements(root) {
				if attr(node, "id") == "start" {
					start = attr(node, "href")
				}
			}
			if start != want.start {
				t.Errorf("start leads to %q, want %q", start, want.start)
			}
			if got := strings.Contains(body, `id="stop"`); got != want.stop {
				t.Errorf("stop button: %v, want %v", got, want.stop)
			}
			if strings.Contains(body, "/delete") {
				t.Error("the default server can be deleted")
			}
		})
	}
}

func TestHomeLimit(t *testing.T) {
	p := newPages(t, Options{})
	for name, test := range map[string]struct {
		view Home
		form bool
	}{
		"off":      {Home{NewServerURL: "/new"}, false},
		"room":     {Home{NamedServers: true, NewServerURL: "/new", Limit: 2, Servers: []Server{{Name: "a"}}}, true},
		"no limit": {Home{NamedServers: true, NewServerURL: "/new", Servers: []Server{{Name: "a"}}}, true},
		"full":     {Home{NamedServers: true, NewServerURL: "/new", Limit: 1, Servers: []Server{{Name: "a"}}}, false},
	} {
		body, _ := render(t, p, Visitor{Name: "ada"}, test.view)
		if got := strings.Contains(body, `action="/new"`); got != test.form {
			t.Errorf("%s: form %v, want %v", name, got, test.form)
		}
	}
}

func TestSpawnPendingWithoutScripts(t *testing.T) {
	p := newPages(t, Options{})
	body, root := render(t, p, Visitor{Name: "ada"}, SpawnPending{
		ProgressURL: "/hub/api/users/ada/server/progress",
		Events:      []ProgressEvent{{0, "Server requested"}, {150, "Pulling"}, {-1, "Waiting"}},
	})
	if !strings.Contains(body, `<noscript><meta http-equiv="refresh" content="3"></noscript>`) {
		t.Error("the page does not load itself again")
	}
	if got := attr(byID(t, root, "progress-bar"), "value"); got != "100" {
		t.Errorf("progress %s", got)
	}
	if got := text(byID(t, root, "progress-message")); got != "Waiting" {
		t.Errorf("message %q", got)
	}
	log := byID(t, root, "progress-log")
	if got := text(log); got != "Server requested Pulling Waiting" || attr(log, "aria-live") != "polite" {
		t.Errorf("log %q, %v", got, log.Attr)
	}
	if got := attr(byID(t, root, "pending"), "data-progress-url"); got != "/hub/api/users/ada/server/progress" {
		t.Errorf("progress URL %q", got)
	}
}

func TestNotRunningStartsByItselfOnlyWhenSafe(t *testing.T) {
	tests := map[string]struct {
		view NotRunning
		want int64
	}{
		"off":      {NotRunning{StartURL: "/s"}, 0},
		"on":       {NotRunning{StartURL: "/s", ImplicitSpawn: 1500 * time.Millisecond}, 1500},
		"failed":   {NotRunning{StartURL: "/s", ImplicitSpawn: time.Second, Failed: true}, 0},
		"not mine": {NotRunning{ImplicitSpawn: time.Second}, 0},
		"negative": {NotRunning{StartURL: "/s", ImplicitSpawn: -time.Second}, 0},
	}
	for name, test := range tests {
		if got := test.view.ImplicitMilliseconds(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestConsentPostsTheScopes(t *testing.T) {
	p := newPages(t, Options{})
	_, root := render(t, p, Visitor{Name: "ada"}, Consent{Scopes: []string{"read:users!user", "access:servers!server=bob/"}})
	var scopes []string
	for _, node := range elements(root) {
		if attr(node, "name") == "scopes" {
			scopes = append(scopes, attr(node, "value"))
		}
		if _, set := lookup(node, "action"); node.Data == "form" && set {
			t.Error("the form does not go to the address of the page")
		}
	}
	if diff := cmp.Diff([]string{"read:users!user", "access:servers!server=bob/"}, scopes); diff != "" {
		t.Error(diff)
	}
}

func TestErrorAlwaysHasAWayOn(t *testing.T) {
	p := newPages(t, Options{})
	for status := 400; status < 600; status++ {
		view := Error{Status: status}
		if view.Heading() == "" || view.Advice() == "" {
			t.Errorf("%d: heading %q, advice %q", status, view.Heading(), view.Advice())
		}
	}
	for name, test := range map[string]struct {
		visitor Visitor
		view    Error
		want    string
	}{
		"somebody": {Visitor{Name: "ada"}, Error{Status: 404}, "/hub/home"},
		"nobody":   {Visitor{}, Error{Status: 404}, "/hub/login"},
		"given":    {Visitor{}, Error{Status: 403, Links: []Link{{"Back", "/back"}}}, "/back"},
	} {
		_, root := render(t, p, test.visitor, test.view)
		if got := primary(root); got != test.want {
			t.Errorf("%s: leads to %q, want %q", name, got, test.want)
		}
	}
}

// primary is where the main button leads.
func primary(root *html.Node) string {
	for _, node := range elements(root) {
		if node.Data == "a" && strings.Contains(attr(node, "class"), "primary") {
			return attr(node, "href")
		}
	}
	return ""
}

func TestExpirations(t *testing.T) {
	tests := map[string]struct {
		limit time.Duration
		want  []string
	}{
		"none":      {0, []string{"3600", "86400", "604800", "2592000", "31536000", ""}},
		"a week":    {7 * 24 * time.Hour, []string{"3600", "86400", "604800"}},
		"36 hours":  {36 * time.Hour, []string{"3600", "86400", "129600"}},
		"a minute":  {time.Minute, []string{"60"}},
		"too short": {time.Millisecond, []string{"1"}},
		"negative":  {-time.Hour, []string{"3600", "86400", "604800", "2592000", "31536000", ""}},
	}
	for name, test := range tests {
		var got []string
		for _, choice := range Expirations(test.limit) {
			got = append(got, choice.Value)
			if choice.Label == "" {
				t.Errorf("%s: %s has no label", name, choice.Value)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLifetime(t *testing.T) {
	for limit, want := range map[time.Duration]string{
		24 * time.Hour: "1 day", 14 * 24 * time.Hour: "14 days", 36 * time.Hour: "36 hours",
		90 * time.Minute: "90 minutes", 90 * time.Second: "90 seconds", time.Nanosecond: "1 second",
	} {
		if got := lifetime(limit); got != want {
			t.Errorf("%s: %q, want %q", limit, got, want)
		}
	}
}
