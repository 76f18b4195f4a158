package web

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// TestSpawn is section 6, /spawn by GET.
func TestSpawn(t *testing.T) {
	s := newSite(t, admin("grace"), func(s *setup) { s.Named.LimitPerUser = 1 })
	p, grace := s.person().login("ada"), s.person().login("grace")
	p.get("/hub/spawn").want(t, "start", http.StatusFound, "/hub/spawn-pending/ada")
	if !s.settle("ada", "").Ready {
		t.Fatal("not started")
	}
	p.get("/hub/spawn").want(t, "running", http.StatusFound, "/user/ada/")
	p.get("/hub/spawn/ada?next=/user/ada/lab").want(t, "running, next", http.StatusFound, "/user/ada/lab")
	p.get("/hub/spawn/ada/?a=b").want(t, "running, parameters", http.StatusFound, "/user/ada/?a=b")
	p.get("/hub/spawn/ada/lab%20x?next=https://evil.example").want(t, "named", http.StatusFound, "/hub/spawn-pending/ada/lab%20x")
	s.settle("ada", "lab x")
	p.get("/hub/spawn/ada/second").want(t, "limit", http.StatusBadRequest, "already has the maximum of 1 named servers.")
	p.get("/hub/spawn/grace").want(t, "somebody else's", http.StatusNotFound, "No access to resources or resources not found")
	p.get("/hub/spawn/nobody").want(t, "nobody's", http.StatusNotFound, "No access to resources or resources not found")
	p.get("/hub/spawn/ada/a%2Fb").want(t, "slash", http.StatusBadRequest, "may not contain")
	grace.get("/hub/spawn/nobody").want(t, "admin, nobody's", http.StatusNotFound, "No such user: nobody")
	grace.get("/hub/spawn/ada").want(t, "admin, running", http.StatusFound, "/user/ada/")

	off := newSite(t, func(s *setup) { s.Named.Enabled = false }).person().login("ada")
	off.get("/hub/spawn/ada/lab").want(t, "named servers off", http.StatusBadRequest, "Named servers are not enabled.")
}

func TestSpawnOptions(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	p.get("/hub/spawn?cpu=2&cpu=3&image=a%2Fb&next=/hub/home").want(t, "query", http.StatusFound,
		"/hub/spawn-pending/ada?cpu=2&cpu=3&image=a%2Fb&next=%2Fhub%2Fhome")
	s.settle("ada", "")
	want := map[string]any{"cpu": []any{"2", "3"}, "image": []any{"a/b"}}
	if diff := cmp.Diff(want, s.spawner.options(t)); diff != "" {
		t.Errorf("options of a query: %s", diff)
	}
	p.submit("/hub/home", "/hub/stop/ada", nil).want(t, "stop", http.StatusSeeOther, "/hub/home")
	s.settle("ada", "")

	p.get("/hub/spawn").want(t, "those of the last time", http.StatusFound, "/hub/spawn-pending/ada")
	s.settle("ada", "")
	if diff := cmp.Diff(want, s.spawner.options(t)); diff != "" {
		t.Errorf("options again: %s", diff)
	}
	p.submit("/hub/home", "/hub/spawn", nil).want(t, "form while running", http.StatusBadRequest, "ada is already running")
	p.submit("/hub/home", "/hub/stop/ada", nil)
	s.settle("ada", "")

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("config", "a.yaml")
	_, _ = part.Write([]byte("x: 1"))
	_ = form.WriteField("cpu", "4")
	_ = form.WriteField("_xsrf", p.get("/hub/home").xsrf())
	_ = form.Close()
	p.send("POST", "/hub/spawn", form.FormDataContentType(), body.String()).
		want(t, "form", http.StatusFound, "/hub/spawn-pending/ada")
	s.settle("ada", "")
	want = map[string]any{"cpu": []any{"4"}, "config_file": []any{map[string]any{
		"filename": "a.yaml", "content_type": "application/octet-stream", "body": "eDogMQ==",
	}}}
	if diff := cmp.Diff(want, s.spawner.options(t)); diff != "" {
		t.Errorf("options of a form: %s", diff)
	}
}

func TestSpawnPending(t *testing.T) {
	s := newSite(t, admin("grace"))
	s.spawner.hold = make(chan struct{})
	p, grace := s.person().login("ada"), s.person().login("grace")
	p.get("/hub/spawn-pending/ada").want(t, "before", http.StatusOK, "Server not running")
	p.get("/hub/spawn-pending/ada").want(t, "before", http.StatusOK, `href="/hub/spawn/ada"`)
	p.get("/hub/spawn-pending/ada/lab").want(t, "unknown", http.StatusNotFound, "ada has no server named")
	p.get("/hub/spawn-pending/grace").want(t, "not mine", http.StatusNotFound, "No access")

	begun := time.Now()
	p.get("/hub/spawn?next=/user/ada/lab").want(t, "start", http.StatusFound, "/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab")
	if waited := time.Since(begun); waited > 3*time.Second {
		t.Errorf("the page waited %v", waited)
	}
	p.get("/hub/spawn").want(t, "again", http.StatusFound, "/hub/spawn-pending/ada")
	p.submit("/hub/home", "/hub/spawn", nil).want(t, "form", http.StatusBadRequest, "ada is pending spawn")
	p.get("/hub/").want(t, "root", http.StatusFound, "/user/ada/")
	got := p.get("/hub/spawn-pending/ada?next=/user/ada/lab")
	for _, text := range []string{
		"Server requested", "Looking for a &lt;b&gt;machine&lt;/b&gt;", `value="40"`, `data-next-url="/user/ada/lab"`,
		`data-progress-url="/hub/api/users/ada/server/progress"`, `action="/hub/stop/ada"`,
	} {
		got.want(t, "progress", http.StatusOK, text)
	}
	grace.get("/hub/spawn-pending/ada").want(t, "admin", http.StatusOK, "The server of <bdi>ada</bdi>")
	p.get("/hub/home").want(t, "home", http.StatusOK, "It is on its way.")

	s.spawner.unblock()
	s.settle("ada", "")
	p.get("/hub/spawn-pending/ada").want(t, "ready", http.StatusFound, "/user/ada/")
	p.get("/hub/spawn-pending/ada?next=/user/ada/lab").want(t, "ready, next", http.StatusFound, "/user/ada/lab")
}

func TestSpawnFails(t *testing.T) {
	s := newSite(t)
	s.spawner.fails = &spawner.Error{Reason: spawner.ReasonError, Status: http.StatusConflict, Message: "No <GPU> left."}
	p := s.person().login("ada")
	for _, path := range []string{"/hub/spawn?next=/user/ada/lab", "/hub/spawn-pending/ada?next=/user/ada/lab"} {
		got := p.get(path)
		for _, text := range []string{
			"Spawn failed", "No &lt;GPU&gt; left.", "Traceback &lt;script&gt;", `href="/hub/spawn/ada?next=%2Fuser%2Fada%2Flab"`,
		} {
			got.want(t, path, http.StatusConflict, text)
		}
	}
	s.spawner.fails = errors.New("connect: secret detail")
	got := p.get("/hub/spawn")
	if got.want(t, "other errors", http.StatusInternalServerError, "Spawn failed"); strings.Contains(got.body, "secret detail") {
		t.Error("internals are shown")
	}
}

func TestStartCalledOff(t *testing.T) {
	s := newSite(t)
	s.spawner.hold = make(chan struct{})
	p := s.person().login("ada")
	p.get("/hub/spawn")
	p.submit("/hub/home", "/hub/stop/ada", nil).want(t, "stop", http.StatusSeeOther, "/hub/home")
	s.settle("ada", "")
	p.get("/hub/spawn-pending/ada").want(t, "called off", http.StatusOK, "Server not running")
}

func TestHome(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	p.get("/hub/home").want(t, "stopped", http.StatusOK, "Start My Server")
	s.start("ada", "")
	s.start("ada", "lab")
	got := p.get("/hub/home")
	for _, text := range []string{
		`href="/user/ada/"`, `data-api="/hub/api/users/ada/server"`, `data-api="/hub/api/users/ada/servers/lab"`,
		`action="/hub/stop/ada/lab"`, `action="/hub/home/new-server"`,
	} {
		got.want(t, "running", http.StatusOK, text)
	}
	p.submit("/hub/home", "/hub/home/new-server", url.Values{"server_name": {" a b "}}).
		want(t, "new server", http.StatusSeeOther, "/hub/spawn/ada/a%20b")
	for _, name := range []string{"", " ", "a/b", "..", "."} {
		p.submit("/hub/home", "/hub/home/new-server", url.Values{"server_name": {name}}).
			want(t, "name "+name, http.StatusBadRequest, "")
	}

	s.spawner.mu.Lock()
	clear(s.spawner.running)
	s.spawner.mu.Unlock()
	if got := p.get("/hub/home"); strings.Contains(got.body, "Ready when you are") {
		t.Error("a server that has died is offered")
	}
	s.settle("ada", "")
	p.get("/hub/home").want(t, "died", http.StatusOK, "Start My Server")
}

// TestHomeDoesNotHang: a platform that does not answer costs a second.
func TestHomeDoesNotHang(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	s.start("ada", "")
	s.spawner.polls = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	begun := time.Now()
	p.get("/hub/home").want(t, "slow platform", http.StatusOK, "Ready when you are.")
	if waited := time.Since(begun); waited > 3*time.Second {
		t.Errorf("waited %v", waited)
	}
}

func TestStop(t *testing.T) {
	s := newSite(t, admin("grace"))
	p, bob, grace := s.person().login("ada"), s.person().login("bob"), s.person().login("grace")
	s.start("ada", "")
	s.start("ada", "lab")
	bob.submit("/hub/home", "/hub/stop/ada", nil).want(t, "stranger", http.StatusNotFound, "No access")
	bob.submit("/hub/home", "/hub/delete/ada/lab", nil).want(t, "stranger", http.StatusNotFound, "No access")
	if found := s.settle("ada", "lab"); !found.Ready {
		t.Fatalf("stopped by a stranger: %+v", found)
	}
	grace.submit("/hub/home", "/hub/stop/ada", nil).want(t, "admin", http.StatusSeeOther, "/hub/spawn-pending/ada")
	if s.settle("ada", "").Active() {
		t.Error("still active")
	}
	p.submit("/hub/home", "/hub/stop/ada", nil).want(t, "stopped already", http.StatusSeeOther, "/hub/home")
	p.submit("/hub/home", "/hub/stop/ada/none", nil).want(t, "unknown", http.StatusNotFound, "no server named")
	p.submit("/hub/home", "/hub/delete/ada/", nil).want(t, "default", http.StatusBadRequest, "Cannot delete the default server")
	p.submit("/hub/home", "/hub/delete/ada/lab", nil).want(t, "delete", http.StatusSeeOther, "/hub/home")
	if _, err := s.options.Servers.Get(t.Context(), "ada", "lab"); !errors.Is(err, server.ErrNotFound) {
		t.Errorf("deleted server: %v", err)
	}
}
