package edge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestRequestUpstream: what goes on is what came, without what is ours or could
// be taken for ours.
func TestRequestUpstream(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	got := s.through("GET", "/user/ada/a%20b/x%2Fy?q=%41", func(http.ResponseWriter, *http.Request) error { return nil },
		ada.in, navigation, header("X-Kept", "1"), header("Cookie", "mine=1"),
		header("X_Forwarded_User", "root"), header("X-Jupyterhub-User", "root"), header("X.Real.IP", "6.6.6.6"),
		header("X-Scheme", "https"), header("Forwarded", "for=6.6.6.6"), header("Connection", "close, Authorization, X-Kept"),
		func(r *http.Request) { r.Trailer = http.Header{"Remote-User": {"root"}} })
	if got.out == nil {
		t.Fatal(got.StatusCode)
	}
	if uri := got.out.URL.RequestURI(); uri != "/user/ada/a%20b/x%2Fy?q=%41" {
		t.Errorf("target %q", uri)
	}
	if len(got.out.Trailer) > 0 {
		t.Errorf("trailers %v", got.out.Trailer)
	}
	got.out.Header.Del("Authorization")
	want := http.Header{
		"X-Kept": {"1"}, "Connection": {"close"}, "Sec-Fetch-Mode": {"navigate"},
		"Cookie": {"mine=1; jupyterhub-session-id=" + ada.session.BrowserSession},
	}
	// The first Cookie line held nothing but the session.
	if diff := cmp.Diff(want, got.out.Header); diff != "" {
		t.Error(diff)
	}
}

// TestAnswerOfUpstream: what an upstream says arrives, but for what reaches
// beyond its path; a person's browser gets what its next requests need.
func TestAnswerOfUpstream(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	upstream := func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h["Set-Cookie"] = []string{
			"theirs=1; Path=/user/ada/", "caddyhub-session=x", "__Host-caddyhub-session=x; Secure; Path=/",
			"_xsrf=x; Path=/user/ada/", "jupyterhub-session-id=x; Path=/",
		}
		h.Set("Cache-Control", "public, max-age=60")
		h.Set("Vary", "Accept-Encoding")
		h.Set("Clear-Site-Data", "*")
		w.WriteHeader(http.StatusTeapot)
		return nil
	}
	got := s.through("HEAD", "/user/ada/", upstream, ada.in, navigation)
	var names []string
	for _, cookie := range got.Cookies() {
		names = append(names, cookie.Name+" "+cookie.Path)
		if cookie.Value == "x" {
			t.Errorf("the upstream set %s", cookie)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"_xsrf /user/ada/", "jupyterhub-session-id /", "theirs /user/ada/"}, names); diff != "" {
		t.Error(diff)
	}
	if got.StatusCode != http.StatusTeapot || got.Header.Get("Cache-Control") != "no-store" ||
		got.Header.Get("Vary") != "Accept-Encoding" || got.Header.Get("Clear-Site-Data") != "" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if policy := got.Header.Get("Cross-Origin-Opener-Policy"); policy != "same-origin-allow-popups" {
		t.Errorf("policy of a page for other windows: %q", policy)
	}
	byScript := s.through("GET", "/user/ada/", upstream, script, bearer(s.token("ada", "inherit")))
	if byScript.Header.Get("Cache-Control") != "public, max-age=60" || byScript.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("to a program: %v", byScript.Header)
	}
	if cookies := byScript.Header["Set-Cookie"]; !slices.Equal(cookies, []string{"theirs=1; Path=/user/ada/"}) {
		t.Errorf("to a program: %q", cookies)
	}
}

// TestHeadersOfSite: what speaks for the whole origin is said by the site alone, and
// stays: without Alt-Svc, which Caddy sets first, no browser learns of HTTP/3.
func TestHeadersOfSite(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	for name, upstream := range map[string]func(h http.Header){
		"silent":     func(http.Header) {},
		"overwrites": func(h http.Header) { h.Set("Alt-Svc", "h3=evil"); h.Set("Strict-Transport-Security", "max-age=0") },
		"adds":       func(h http.Header) { h.Add("Alt-Svc", "h3=evil"); h.Set("Nel", "{}") },
		"removes":    func(h http.Header) { clear(h) },
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/user/ada/lab", nil)
		ada.in(r)
		w.Header().Set("Alt-Svc", "h3=site")
		err := s.Serve(w, r, func(w http.ResponseWriter, _ *http.Request, _ route.Route) error {
			upstream(w.Header())
			w.WriteHeader(http.StatusOK)
			return nil
		})
		h := w.Result().Header
		if err != nil || !slices.Equal(h["Alt-Svc"], []string{"h3=site"}) || h["Strict-Transport-Security"] != nil || h["Nel"] != nil {
			t.Errorf("%s: %v %v", name, h, err)
		}
	}
}

// TestInformational: early hints are cleaned each, and the answer after them.
func TestInformational(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	real := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.Serve(w, r, func(w http.ResponseWriter, _ *http.Request, _ route.Route) error {
			w.Header().Set("Link", "</a>; rel=preload")
			w.Header().Set("Set-Cookie", "caddyhub-session=early")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Set-Cookie", "caddyhub-session=late")
			return http.NewResponseController(w).Flush()
		})
	}))
	defer real.Close()
	lines := exchange(t, real, "GET /user/ada/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: caddyhub-session="+ada.cookie+"\r\n\r\n")
	if !strings.Contains(lines, "103 Early Hints") || !strings.Contains(lines, "rel=preload") || !strings.Contains(lines, "200 OK") ||
		strings.Contains(lines, "early") || strings.Contains(lines, "=late") {
		t.Error(lines)
	}
}

// TestHijack: a WebSocket is taken over through the cleaned writer, and its 101
// sets no cookie of ours.
func TestHijack(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	real := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.Serve(w, r, func(w http.ResponseWriter, _ *http.Request, _ route.Route) error {
			w.Header()["Set-Cookie"] = []string{"caddyhub-session=x", "theirs=1"}
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return err
			}
			_, err = io.WriteString(connection, "frames")
			return errors.Join(err, connection.Close())
		})
	}))
	defer real.Close()
	lines := exchange(t, real, "GET /user/ada/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: token "+s.token("ada", "inherit")+"\r\n\r\n")
	if !strings.HasPrefix(lines, "HTTP/1.1 101") || !strings.HasSuffix(lines, "\r\n\r\nframes") ||
		!strings.Contains(lines, "theirs=1") || strings.Contains(lines, "caddyhub-session") {
		t.Error(lines)
	}
}

// exchange sends raw bytes and reads until the other side closes.
func exchange(t *testing.T, server *httptest.Server, request string) string {
	t.Helper()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprint(connection, request)
	all, err := io.ReadAll(bufio.NewReader(connection))
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// TestActivity: a visit is activity of the server and of who visits, but what a
// server does with its own token is not its user's.
func TestActivity(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	last := func(name string) (active bool) {
		_ = s.store.View(t.Context(), func(r store.Reader) error {
			at, err := s.directory.Activity().Last(r, name)
			active = !at.Before(s.time().Add(-30 * time.Minute))
			return err
		})
		return active
	}
	ofServer, ofAda, ofBob := identity.ActivityOfServer("ada", ""), identity.ActivityOfUser("ada"), identity.ActivityOfUser("bob")
	s.ahead.Store(int64(time.Hour))
	s.get("/user/ada/", s.login("bob").in, navigation)
	if last(ofServer) || last(ofBob) {
		t.Error("a refused visit is activity")
	}
	secret := "token-of-the-server-of-ada"
	_, err := s.directory.CreateToken(t.Context(), secret, identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"access:servers!server=ada/"}, Note: "Server at /user/ada/",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.get("/user/ada/", bearer(secret)).want(t, "own token", 200, "")
	if !last(ofServer) || last(ofAda) {
		t.Errorf("server %v, user %v; want the server's activity alone", last(ofServer), last(ofAda))
	}
	s.get("/user/ada/", bearer(monitorToken)).want(t, "service", 200, "")
	if !last(identity.ActivityOfService("monitor")) || last(ofAda) {
		t.Error("a service was not active, or its work is ada's")
	}
	s.get("/user/ada/", s.login("ada").in, navigation).want(t, "owner", 200, "")
	if !last(ofAda) {
		t.Error("a visit is no activity of its user")
	}
}

// TestActivityGoesOn: what moves after the request was let through is activity
// too, noted once a second at most.
func TestActivityGoesOn(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	got := s.get("/user/ada/events", s.login("ada").in, navigation)
	passage, ok := PassageOf(got.out.Context())
	if !ok || passage.Activity == nil {
		t.Fatal("nobody is told of activity")
	}
	begun := s.time()
	for _, after := range []time.Duration{time.Hour, time.Hour + activityPause/2, time.Hour + 2*activityPause, time.Minute} {
		passage.Activity.Touch(begun.Add(after))
	}
	for _, name := range []string{identity.ActivityOfServer("ada", ""), identity.ActivityOfUser("ada")} {
		_ = s.store.View(t.Context(), func(r store.Reader) error {
			at, err := s.directory.Activity().Last(r, name)
			if want := begun.Add(time.Hour + 2*activityPause); !at.Equal(want.UTC()) {
				t.Errorf("%s: %v, want %v", name, at, want)
			}
			return err
		})
	}
}
