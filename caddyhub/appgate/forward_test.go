package appgate

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// spellings are all ways to write a header with "-", "_" and "." for each dash.
func spellings(name string) []string {
	before, after, found := strings.Cut(name, "-")
	if !found {
		return []string{name}
	}
	var list []string
	for _, rest := range spellings(after) {
		list = append(list, before+"-"+rest, before+"_"+rest, before+"."+rest)
	}
	return list
}

// TestSpoofedIdentityHeader: no client tells the app who visits, by whatever
// spelling of whatever header (H1 to H4).
func TestSpoofedIdentityHeader(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	callers := map[string][]string{
		"nobody": {}, "ada": {"Cookie", ada}, "a token": {"Authorization", "token " + s.token("ada", scope.Inherit)},
	}
	g := s.gate(Policy{Anonymous: true}, func(o *Options) { o.IdentityHeaders = []string{"x-lab-USER"} })
	for caller, header := range callers {
		request := ask(http.MethodGet, "https://"+appHost+"/", header...)
		for _, name := range append(slices.Clone(commonHeaders), "X-Lab-User") {
			for _, spelling := range spellings(name) {
				for _, form := range []string{spelling, strings.ToLower(spelling), strings.ToUpper(spelling), http.CanonicalHeaderKey(spelling)} {
					request.Header[form] = []string{"root"}
				}
			}
		}
		request.Header["X-Harmless"] = []string{"yes"}
		_, got := serve(t, g, request)
		if got == nil {
			t.Fatalf("%s: refused", caller)
		}
		if diff := cmp.Diff([]string{"X-Harmless"}, slices.Sorted(maps.Keys(got.request.Header))); diff != "" {
			t.Errorf("%s: headers at the app (-want +got)\n%s", caller, diff)
		}
	}
}

// TestHopByHopDeletion: naming a header in Connection has no proxy remove it (H5).
func TestHopByHopDeletion(t *testing.T) {
	s := newSite(t)
	_, got := serve(t, s.gate(Policy{Anonymous: true}),
		ask(http.MethodGet, "https://"+appHost+"/", "Connection", "close, X-Lab-User, Cookie", "Connection", "X-Forwarded-For"))
	if diff := cmp.Diff([]string{"close"}, got.request.Header["Connection"]); diff != "" {
		t.Errorf("Connection at the app (-want +got)\n%s", diff)
	}
}

// TestCredentials: what proves something at the hub ends at the gate; what is the
// app's own goes on.
func TestCredentials(t *testing.T) {
	s := newSite(t)
	session, _, ada := s.login("ada")
	own := s.token("ada", scope.Inherit)
	visitor := s.directory.VisitorToken(&session, scope.Client{Server: scope.Server{User: "bob"}})
	for name, test := range map[string]struct {
		header []string
		// who the app is told, and what is left of the credentials
		who, cookie, authorization string
	}{
		"a cookie among others": {
			[]string{"Cookie", "a=1; " + ada + "; jupyterhub-session-id=x; grafana_session=2; __Host-caddyhub-handover=y"},
			"ada", "a=1; grafana_session=2", "",
		},
		"our token":                {[]string{"Authorization", "token " + own}, "ada", "", ""},
		"our token and the app's":  {[]string{"Authorization", "token " + own, "Cookie", "grafana_session=2"}, "ada", "grafana_session=2", ""},
		"the app's token":          {[]string{"Authorization", "Bearer glsa_1", "Cookie", ada}, "ada", "", "Bearer glsa_1"},
		"the app's password":       {[]string{"Authorization", "Basic YTpi", "Cookie", ada}, "ada", "", "Basic YTpi"},
		"a token for visits":       {[]string{"Authorization", "token " + visitor, "Cookie", ada}, "ada", "", ""},
		"a token of another login": {[]string{"Authorization", "token " + s.token("bob", scope.Inherit), "Cookie", ada}, "bob", "", ""},
	} {
		_, got := serve(t, s.gate(Policy{Authenticated: true}), ask(http.MethodGet, "https://"+appHost+"/", test.header...))
		if got == nil {
			t.Errorf("%s: refused", name)
			continue
		}
		if got.visitor.Name() != test.who || got.request.Header.Get("Cookie") != test.cookie ||
			got.request.Header.Get("Authorization") != test.authorization {
			t.Errorf("%s: %q, cookie %q, authorization %q", name, got.visitor.Name(), got.request.Header.Get("Cookie"), got.request.Header.Get("Authorization"))
		}
	}
	answer, got := serve(t, s.gate(Policy{Authenticated: true}),
		ask(http.MethodGet, "https://"+appHost+"/", "Authorization", "token "+own, "Authorization", "token other"))
	if got != nil || answer.Code != http.StatusBadRequest {
		t.Errorf("two tokens: %d", answer.Code)
	}
}

// TestAppSetsOurCookie: it does not (H9).
func TestAppSetsOurCookie(t *testing.T) {
	s := newSite(t)
	app := func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range []string{
			"caddyhub-session=x", "__Host-caddyhub-session=x; Path=/; Secure", "=caddyhub-login=x", "jupyterhub-session-id=x",
			"tossed=x; Domain=example.org", "tossed=x; domain=.HUB.example.org", "own=x", "wide=x; Domain=grafana.example.org",
		} {
			w.Header().Add("Set-Cookie", line)
		}
		w.Header().Set("Strict-Transport-Security", "max-age=1")
		w.Header().Set("Clear-Site-Data", "*")
		_, _ = w.Write([]byte("hello"))
	}
	kept := []string{"own=x", "wide=x; Domain=grafana.example.org"}
	answer, _ := serve(t, s.gate(Policy{Anonymous: true}), ask(http.MethodGet, "https://"+appHost+"/"), app)
	if diff := cmp.Diff(kept, answer.Header()["Set-Cookie"]); diff != "" {
		t.Errorf("cookies (-want +got)\n%s", diff)
	}
	if answer.Header().Get("Strict-Transport-Security") == "" || answer.Header().Get("Clear-Site-Data") == "" {
		t.Error("an app on a host of its own does not decide about it")
	}
	// On the host of the hub only Caddy does.
	request := ask(http.MethodGet, "https://"+hubHost+"/grafana/")
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Alt-Svc", `h3=":443"`)
	err := s.gate(Policy{Anonymous: true}).Serve(recorder, request, func(w http.ResponseWriter, r *http.Request, _ Visitor) error {
		w.Header().Set("Alt-Svc", `h3="evil:443"`)
		app(w, r)
		return nil
	})
	header := recorder.Header()
	if err != nil || header.Get("Clear-Site-Data") != "" || header.Get("Strict-Transport-Security") != "" || header.Get("Alt-Svc") != `h3=":443"` {
		t.Errorf("on the hub's host: %v %v", header, err)
	}
	if diff := cmp.Diff(kept, header["Set-Cookie"]); diff != "" {
		t.Errorf("cookies on the hub's host (-want +got)\n%s", diff)
	}
}

// TestBody: bodies pass unread, trailers and other protocols do not.
func TestBody(t *testing.T) {
	s := newSite(t)
	request := ask(http.MethodPost, "https://"+appHost+"/a%2fb?x={env.HOME}", "Origin", "https://"+appHost)
	request.Body, request.Trailer = io.NopCloser(strings.NewReader("body")), http.Header{"X-Forwarded-User": {"root"}}
	_, got := serve(t, s.gate(Policy{Anonymous: true}), request)
	body, err := io.ReadAll(got.request.Body)
	if err != nil || string(body) != "body" || got.request.Trailer != nil || got.request.RequestURI != request.RequestURI {
		t.Errorf("%q %v %v %s", body, err, got.request.Trailer, got.request.RequestURI)
	}
	for _, header := range [][]string{{"Upgrade", "h2c"}, {"Upgrade", "websocket"}} {
		request := ask(http.MethodPost, "https://"+appHost+"/", append(header, "Connection", "Upgrade")...)
		if answer, got := serve(t, s.gate(Policy{Anonymous: true}), request); got != nil || answer.Code != http.StatusBadRequest {
			t.Errorf("%v passes: %d", header, answer.Code)
		}
	}
}

// TestSocketIsWatched: an open WebSocket is decided about again, and its browser is
// told.
func TestSocketIsWatched(t *testing.T) {
	for name, test := range map[string]struct {
		policy Policy
		same   bool // what is left is somebody else
	}{"for ada": {Policy{Users: []string{"ada"}}, false}, "for everybody": {Policy{Anonymous: true}, true}} {
		s := newSite(t)
		session, _, ada := s.login("ada")
		request := upgrade("wss://"+appHost+"/live", "Cookie", ada, "Origin", "https://"+appHost)
		near, far := net.Pipe()
		g := s.gate(test.policy)
		review := g.again(request, "ada")
		if decision, _ := review(t.Context()); !decision.Allowed() {
			t.Fatalf("%s: refused at once: %+v", name, decision)
		}
		s.store.away.Store(true)
		unknown, _ := review(t.Context())
		if _, refused := unknown.CloseCode(); refused {
			t.Errorf("%s: closed while the store is away", name)
		}
		s.store.away.Store(false)
		err := g.Serve(&hijacked{httptest.NewRecorder(), far}, request, func(w http.ResponseWriter, r *http.Request, _ Visitor) error {
			if s.sockets.Len() != 1 {
				t.Errorf("%s: %d sockets are watched", name, s.sockets.Len())
			}
			if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
				t.Fatal(err)
			}
			told := make(chan []byte, 1)
			go func() {
				frame := make([]byte, 4)
				_, _ = io.ReadFull(near, frame)
				told <- frame
			}()
			// The feed of the store is followed by Run; its first look is at all.
			if err := s.directory.DeleteSession(t.Context(), &session); err != nil {
				t.Error(err)
			}
			go func() { _ = s.sockets.Run(t.Context(), s.store) }()
			<-r.Context().Done()
			if diff := cmp.Diff([]byte{0x88, 2, 1008 >> 8, 1008 & 0xff}, <-told); diff != "" {
				t.Errorf("%s: close frame (-want +got)\n%s", name, diff)
			}
			return nil
		})
		if err != nil || s.sockets.Len() != 0 {
			t.Errorf("%s: in the end: %v, %d sockets", name, err, s.sockets.Len())
		}
		if decision, _ := review(t.Context()); decision.Status != http.StatusUnauthorized || decision.Verdict != gate.Refuse {
			t.Errorf("%s: decided %+v", name, decision)
		}
	}
}

// hijacked is a connection that can be taken over.
type hijacked struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, nil, nil }
