package edge

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// used says when somebody last did something with a server; zero if never.
func (s *site) used(user, name string) (at time.Time) {
	s.t.Helper()
	err := s.store.View(s.t.Context(), func(r store.Reader) (err error) {
		at, err = s.servers.LastInteraction(r, user, name)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// TestInteraction: what people do counts, what their pages do by themselves and
// what programs read does not.
func TestInteraction(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	s.start("ada", "two")
	ada := s.login("ada")
	script := func(at string) change {
		token := s.xsrf(at, ada)
		return func(r *http.Request) {
			ada.in(r)
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("X-Xsrftoken", token)
		}
	}
	mine, other := script("/user/ada/"), script("/user/ada/two/")
	token := s.token("ada", "access:servers!user=ada")
	secret := "token-of-the-server-of-ada"
	_, err := s.directory.CreateToken(t.Context(), secret, identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"access:servers!server=ada/"}, Note: "Server at /user/ada/",
	})
	if err != nil {
		t.Fatal(err)
	}
	page := func(r *http.Request) { ada.in(r); navigation(r) }
	opening := func(r *http.Request) { ada.in(r); socket(r) }
	for name, test := range map[string]struct {
		method, target string
		as             change
		want           bool
	}{
		"a page":                     {"GET", "/user/ada/lab/tree/a.ipynb", page, true},
		"kernels":                    {"GET", "/user/ada/api/kernels?1", mine, false},
		"sessions":                   {"GET", "/user/ada/api/sessions", mine, false},
		"terminals":                  {"GET", "/user/ada/api/terminals", mine, false},
		"status":                     {"HEAD", "/user/ada/api/status", mine, false},
		"files":                      {"GET", "/user/ada/api/contents?content=1", mine, false},
		"before another origin asks": {"OPTIONS", "/user/ada/api/kernels", mine, false},
		"a notebook is saved":        {"PUT", "/user/ada/api/contents/a.ipynb", mine, true},
		"a kernel starts":            {"POST", "/user/ada/api/kernels", mine, true},
		"a file goes":                {"DELETE", "/user/ada/api/contents/a.ipynb", mine, true},
		"the layout is saved":        {"PUT", "/user/ada/lab/api/workspaces/default?1", mine, false},
		"a folder of that name":      {"PUT", "/user/ada/api/contents/lab/api/workspaces/a", mine, true},
		"a named server":             {"POST", "/user/ada/two/api/kernels", other, true},
		"its layout":                 {"PUT", "/user/ada/two/lab/api/workspaces/default", other, false},
		"a WebSocket opens":          {"GET", "/user/ada/api/events/subscribe", opening, false},
		"a program reads":            {"GET", "/user/ada/api/kernels", bearer(token), false},
		"a program works":            {"POST", "/user/ada/api/kernels", bearer(token), true},
		"the server itself":          {"POST", "/user/ada/api/kernels", bearer(secret), false},
	} {
		t.Run(name, func(t *testing.T) {
			s.ahead.Add(int64(time.Minute))
			before := s.time()
			s.send(test.method, test.target, test.as).want(t, name, 200, "")
			server := map[bool]string{true: "two", false: ""}[name == "a named server" || name == "its layout"]
			if got := !s.used("ada", server).Before(before); got != test.want {
				t.Errorf("counts: %v, want %v", got, test.want)
			}
		})
	}
	if at := s.used("ada", "three"); !at.IsZero() {
		t.Errorf("a server that nobody visited was used at %v", at)
	}
}

// TestSettling: what a page sends over a WebSocket that it has just opened is not a
// person's; what comes later is, once a second at most, and moves nothing back.
func TestSettling(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	got := s.get("/user/ada/api/kernels/1/channels", ada.in, socket)
	passage, ok := PassageOf(got.out.Context())
	if !ok || passage.Activity == nil {
		t.Fatal("nobody is told of activity")
	}
	opened := s.time()
	passage.Activity.Touch(opened.Add(time.Hour))
	passage.Activity.Interact(opened.Add(settling - time.Second))
	if at := s.used("ada", ""); !at.IsZero() {
		t.Errorf("the page's own data, or what came from the server, counts: %v", at)
	}
	for _, step := range []struct{ after, want time.Duration }{
		{settling, settling},
		{settling + activityPause/2, settling},
		{time.Minute, time.Minute},
		{settling + 2*activityPause, time.Minute},
	} {
		passage.Activity.Interact(opened.Add(step.after))
		if at := s.used("ada", ""); !at.Equal(opened.Add(step.want).UTC()) {
			t.Errorf("data %s after the opening: used at %v, want %s after", step.after, at.Sub(opened), step.want)
		}
	}
}

// BenchmarkInteract is what a frame of a client's costs: a look at the clock has
// been paid for.
func BenchmarkInteract(b *testing.B) {
	active := &activity{to: identity.NewActivity(nil, time.Now), names: []string{"a"}, interaction: "b"}
	open, now := &socketActivity{activity: active}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		open.Touch(now)
		open.Interact(now)
	}
}
