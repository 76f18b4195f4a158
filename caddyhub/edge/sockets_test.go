package edge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// echo is an upstream whose WebSockets send back what they get.
func echo(t *testing.T) *url.URL {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	t.Cleanup(upstream.Close)
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// front serves a site on a real connection, in front of one upstream.
func (s *site) front(to *url.URL) string {
	proxy := httputil.NewSingleHostReverseProxy(to)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.ServeBy(s.rules, w, r, func(w http.ResponseWriter, out *http.Request, _ route.Route) error {
			proxy.ServeHTTP(w, out)
			return nil
		})
	}))
	s.t.Cleanup(front.Close)
	return front.URL
}

// dial opens a WebSocket with these headers and shows that it works.
func dial(t *testing.T, front string, changes ...change) *websocket.Conn {
	t.Helper()
	r := httptest.NewRequest("GET", front, nil)
	r.Header.Set("Origin", front)
	for _, change := range changes {
		change(r)
	}
	conn, _, err := websocket.Dial(t.Context(), front+"/user/ada/api/kernels", &websocket.DialOptions{HTTPHeader: r.Header}) //nolint:bodyclose // the socket has the body
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	alive(t, conn, "at first")
	return conn
}

func alive(t *testing.T, conn *websocket.Conn, when string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(when)); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != when {
		t.Fatalf("%s: read %q, %v", when, got, err)
	}
}

// ended fails unless the socket is closed with code 1008 within a second.
func ended(t *testing.T, conn *websocket.Conn, why string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, _, err := conn.Read(ctx)
	if code := websocket.CloseStatus(err); code != websocket.StatusPolicyViolation {
		t.Errorf("%s: code %d, %v", why, code, err)
	}
}

// TestSocketsEnd: an open WebSocket ends with what allowed it, and only then.
func TestSocketsEnd(t *testing.T) {
	for why, end := range map[string]func(s *site, ada login) error{
		"logout": func(s *site, ada login) error {
			return s.directory.DeleteSession(context.Background(), &ada.session)
		},
		"logged out everywhere": func(s *site, _ login) error {
			return s.directory.DeleteSessions(context.Background(), "ada")
		},
		"blocked": func(s *site, _ login) error {
			return s.directory.Block(context.Background(), "ada")
		},
	} {
		t.Run(why, func(t *testing.T) {
			s := newSite(t)
			s.start("ada", "")
			go func() { _ = s.options.Sockets.Run(t.Context(), s.store) }()
			front := s.front(echo(t))
			ada, other := s.login("ada"), s.login("root")
			mine, theirs := dial(t, front, ada.in), dial(t, front, other.in)
			if err := end(s, ada); err != nil {
				t.Fatal(err)
			}
			ended(t, mine, why)
			alive(t, theirs, "the socket of somebody else")
			eventually(t, "forgotten", func() bool { return s.options.Sockets.Len() == 1 })
		})
	}
}

// TestSocketOfToken: so does one that was opened with an API token, and a change
// that takes nothing away closes nothing.
func TestSocketOfToken(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	go func() { _ = s.options.Sockets.Run(t.Context(), s.store) }()
	front := s.front(echo(t))
	secret := s.token("ada", "inherit")
	conn := dial(t, front, bearer(secret))
	if _, err := s.directory.SetGroups(t.Context(), "ada", []string{"astro"}); err != nil {
		t.Fatal(err)
	}
	s.token("ada", "inherit")
	s.options.Sockets.review(t.Context(), s.options.Sockets.everybody())
	alive(t, conn, "after a change that takes nothing away")
	found, err := s.directory.ByToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.directory.DeleteToken(t.Context(), identity.UserOwner("ada"), found.Token.ID); err != nil {
		t.Fatal(err)
	}
	ended(t, conn, "token revoked")
}

// TestSocketOfGroup: the group that allowed it may be that of the server's owner.
func TestSocketOfGroup(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	go func() { _ = s.options.Sockets.Run(t.Context(), s.store) }()
	front := s.front(echo(t))
	tutor, owner := dial(t, front, s.login("eve").in), dial(t, front, s.login("ada").in)
	if _, err := s.directory.SetGroups(t.Context(), "ada", nil); err != nil {
		t.Fatal(err)
	}
	ended(t, tutor, "ada has left the class")
	alive(t, owner, "the owner's own")
}

// TestSocketsStay: trouble with the store closes nothing.
func TestSocketsStay(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	go func() { _ = s.options.Sockets.Run(t.Context(), s.store) }()
	conn := dial(t, s.front(echo(t)), s.login("ada").in)
	s.store.away.Store(true)
	s.options.Sockets.review(t.Context(), s.options.Sockets.everybody())
	alive(t, conn, "while the store is away")
	s.store.away.Store(false)
	s.options.Sockets.review(t.Context(), s.options.Sockets.everybody())
	alive(t, conn, "when it is back")
}
