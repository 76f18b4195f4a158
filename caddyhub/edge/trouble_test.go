package edge

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// TestRenew: traffic prolongs a session, in the background, once a time, and no
// request waits for the store.
func TestRenew(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	expires := func() time.Time {
		found, err := s.directory.BySession(t.Context(), ada.cookie)
		if err != nil {
			t.Fatal(err)
		}
		return found.Session.Expires
	}
	before, writes := expires(), s.store.updates.Load()
	s.get("/user/ada/", ada.in, navigation).want(t, "at once", 200, "")
	if s.store.updates.Load() != writes || s.renewals.running != 0 {
		t.Error("a new session was prolonged")
	}
	s.ahead.Store(int64(time.Hour)) // a tenth of the idle limit is 48 minutes
	hold := make(chan struct{})
	s.store.hold.Store(&hold)
	for range 20 {
		s.get("/user/ada/", ada.in, navigation).want(t, "while the store takes its time", 200, "")
	}
	eventually(t, "the write began", func() bool { return s.store.updates.Load() > writes })
	if begun := s.store.updates.Load() - writes; begun != 1 {
		t.Errorf("%d writes for 20 requests", begun)
	}
	s.store.hold.Store(nil)
	close(hold)
	eventually(t, "prolonged", func() bool { return expires().After(before) })
}

// TestGone: a server that does not answer is looked after, once at a time
// however often it is asked for, and its visitor is told.
func TestGone(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Refused = refusedPage })
	s.start("ada", "")
	ada, token := s.login("ada"), bearer(s.token("ada", "inherit"))
	gone := func(http.ResponseWriter, *http.Request) error { return fmt.Errorf("%w: refused", ErrUpstream) }
	slow := make(chan struct{})
	s.platform.slow.Store(&slow)
	s.platform.die()
	polls := s.platform.polls.Load()
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			r := httptest.NewRequest("GET", "/user/ada/x", nil)
			token(r)
			w := httptest.NewRecorder()
			err := s.Serve(w, r, func(http.ResponseWriter, *http.Request, route.Route) error { return ErrUpstream })
			if err != nil || w.Code != 503 || w.Header().Get("Retry-After") != "5" || !strings.Contains(w.Body.String(), "appears to be down") {
				t.Errorf("%d %s %v", w.Code, w.Body, err)
			}
		})
	}
	clients.Wait()
	if page := s.through("GET", "/user/ada/", gone, ada.in, navigation); page.StatusCode != 503 || !strings.HasPrefix(page.body, "page: Your server appears to be down") {
		t.Errorf("to a person: %d %s", page.StatusCode, page.body)
	}
	eventually(t, "looked at", func() bool { return s.platform.polls.Load() > polls })
	if looks := s.platform.polls.Load() - polls; looks != 1 {
		t.Errorf("%d looks at one server", looks)
	}
	close(slow)
	eventually(t, "stopped", func() bool { return s.get("/user/ada/x", token).StatusCode == 424 })
}

// TestGoneInTheMiddle: an answer that has begun is not answered again, and
// trouble that is not the upstream's is the caller's.
func TestGoneInTheMiddle(t *testing.T) {
	s := newSite(t)
	ada := s.login("ada")
	got := s.through("GET", "/services/wiki/", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half of it")
		return ErrUpstream
	}, ada.in, navigation)
	if got.StatusCode != 200 || got.body != "half of it" || !errors.Is(got.err, ErrUpstream) {
		t.Errorf("%d %q %v", got.StatusCode, got.body, got.err)
	}
	other := errors.New("other")
	if got := s.through("GET", "/services/wiki/", func(http.ResponseWriter, *http.Request) error { return other }, ada.in, navigation); !errors.Is(got.err, other) {
		t.Errorf("another error became %v", got.err)
	}
	if got := s.through("GET", "/services/wiki/", func(http.ResponseWriter, *http.Request) error { return ErrUpstream }, ada.in, navigation); got.err != nil ||
		got.StatusCode != 503 || !strings.Contains(got.body, "The service does not answer") {
		t.Errorf("service: %d %q %v", got.StatusCode, got.body, got.err)
	}
}

// TestOutage: without the store nobody is refused for good.
func TestOutage(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada, token := s.login("ada"), bearer(s.token("ada", "inherit"))
	s.store.away.Store(true)
	for _, target := range []string{"/user/ada/", "/user/bob/", "/user/nobody/", "/services/wiki/"} {
		for name, who := range map[string]change{"cookie": ada.in, "token": token} {
			got := s.get(target, who, navigation)
			got.want(t, target+" by "+name, 503, "temporarily unavailable")
			if got.Header.Get("Retry-After") == "" {
				t.Errorf("%s by %s: no Retry-After", target, name)
			}
		}
	}
	s.store.away.Store(false)
	s.get("/user/ada/", ada.in, navigation).want(t, "afterwards", 200, "hello")
}

// TestAnswer: below the hub's own path what runs is led to, and the rest
// answered as below the user's.
func TestAnswer(t *testing.T) {
	for _, path := range []string{"/", "/jupyter/"} {
		s := newSite(t, base(hubpath.Base(path)))
		s.start("ada", "")
		ada := s.login("ada")
		for target, want := range map[string]struct {
			status int
			to     string
		}{
			"hub/user/ada/lab?a=%2F": {302, path + "user/ada/lab?a=%2F"},
			"hub/user/bob/":          {404, ""},
			"hub/user/ada/..%2f":     {400, ""},
			"elsewhere":              {400, ""},
		} {
			r := httptest.NewRequest("GET", path+target, nil)
			ada.in(r)
			navigation(r)
			w := httptest.NewRecorder()
			s.Answer(w, r)
			if w.Code != want.status || w.Header().Get("Location") != want.to {
				t.Errorf("%s%s: %d %q, want %d %q", path, target, w.Code, w.Header().Get("Location"), want.status, want.to)
			}
		}
	}
}

// TestErrands: one job for each key at a time, so many in all, and a rest after each.
func TestErrands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newErrands(2, time.Second, time.Now)
		release := make(chan struct{})
		wait := func() { <-release }
		if !e.start("a", wait) || e.start("a", wait) {
			t.Error("want one at a time of a key")
		}
		if !e.start("b", wait) || e.start("c", wait) {
			t.Error("want two in all")
		}
		close(release)
		synctest.Wait()
		if e.start("a", wait) {
			t.Error("no rest")
		}
		time.Sleep(time.Second)
		if !e.start("a", func() {}) {
			t.Error("not after its rest")
		}
		synctest.Wait()
		time.Sleep(time.Second)
		e.start("d", func() {})
		synctest.Wait()
		if len(e.until) != 1 || e.running != 0 {
			t.Errorf("remembers %v, %d running", e.until, e.running)
		}
	})
}
