package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// fetched is what a script in a page gets for a request.
type fetched struct {
	Status     int
	Redirected bool
	Type       string
	Body       struct {
		Status   int
		Message  string
		LoginURL string `json:"login_url"`
	}
}

// fetch sends a request from inside the page that the tab shows, with the token
// that pages of this server have.
func (b *tab) fetch(method, path string) fetched {
	b.t.Helper()
	var got fetched
	b.evaluate(`(async () => {
		const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? '';
		const answer = await fetch('`+path+`', {method: '`+method+`', cache: 'no-store', headers: {'X-XSRFToken': xsrf}});
		const text = await answer.text();
		let body = {};
		try { body = JSON.parse(text); } catch { }
		return {Status: answer.status, Redirected: answer.redirected, Type: answer.headers.get('Content-Type'), Body: body};
	})()`, &got)
	return got
}

// TestRefusals is what pages and people get who may not: scripts get JSON that
// says where to log in, people get pages.
func TestRefusals(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{})
	ada := newVisitor(t, hub)
	ada.open("/hub/login")
	ada.logIn("ada")
	ada.start()
	ada.until(labIsUsable)

	t.Run("another user", func(t *testing.T) { refuseAnother(t, hub) })
	t.Run("a session that is gone", func(t *testing.T) { refuseGone(t, ada) })
}

func refuseAnother(t *testing.T, hub *hubtest.Hub) {
	grace := newVisitor(t, hub)
	grace.open("/hub/login")
	grace.logIn("grace")
	grace.open("/user/ada/lab")
	pages := grace.record.to(`^/user/ada/lab$`)
	if len(pages) == 0 || pages[0].status != 403 && pages[0].status != 404 {
		t.Errorf("grace gets %v", pages)
	}
	var shown string
	grace.do(chromedp.OuterHTML(`html`, &shown, chromedp.ByQuery))
	if !strings.Contains(shown, `class="page-error"`) || strings.Contains(shown, "jupyter-config-data") {
		t.Errorf("grace sees %.3000s", shown)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		got := grace.fetch(method, "/user/ada/api/contents/")
		if got.Status != 403 && got.Status != 404 || got.Redirected || got.Type != "application/json" {
			t.Errorf("%s by a script of grace: %+v", method, got)
		}
	}
	var closed bool
	grace.evaluate(`new Promise((done) => {
		const socket = new WebSocket(location.origin.replace('http', 'ws') + '/user/ada/api/events/subscribe');
		socket.onopen = () => done(false);
		socket.onerror = () => done(true);
	})`, &closed)
	if !closed {
		t.Error("grace has opened a WebSocket of ada's server")
	}
	grace.record.check(t, expected{403, `^/user/ada/`}, expected{404, `^/user/ada/`})
}

func refuseGone(t *testing.T, ada *tab) {
	if got := ada.fetch("GET", "/user/ada/api/contents"); got.Status != 200 {
		t.Fatalf("while logged in: %+v", got)
	}
	elsewhere := ada.another()
	elsewhere.open("/hub/logout")
	for _, method := range []string{"GET", "PUT"} {
		got := ada.fetch(method, "/user/ada/api/contents")
		got.Body.Message = ""
		want := fetched{Status: 401, Type: "application/json"}
		want.Body.Status, want.Body.LoginURL = 401, "/hub/login"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s after logging out (-want +got):\n%s", method, diff)
		}
	}
	ada.record.check(t, expected{401, `^/user/ada/`}, expected{403, `^/user/ada/`})
}
