package hubproxy

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

func pemOf(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

func read(t *testing.T, response *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// client asks the front itself, whatever proxy the environment names.
var client = &http.Client{Transport: &http.Transport{}}

// TestPath: what arrives is what was sent, to the byte, with the Host of the
// client and the addresses of Caddy.
func TestPath(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI, " ", r.Host, " ", r.Header.Get("X-Forwarded-For"), " ", r.Header.Get("Accept-Encoding"))
	}))
	defer upstream.Close()
	f := newFront(t, upstream.URL)
	for _, target := range []string{"/user/ada/", "/user/ada/a%2Fb%20c/%C3%BC?x=%41&&y", "/user/ada/{env.HOME}", "/user/ada//x/?"} {
		r, err := http.NewRequest("GET", f.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "hub.example.org"
		r.Header.Set("Accept-Encoding", "identity")
		response, err := client.Do(r)
		if got, want := read(t, response, err), r.URL.RequestURI()+" hub.example.org 127.0.0.1 identity"; got != want {
			t.Errorf("upstream got %q, want %q", got, want)
		}
	}
}

// TestStreams: an upload arrives while it is being sent, and events leave while
// the answer goes on.
func TestStreams(t *testing.T) {
	first, events := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			w.Header().Set("Content-Length", "12") // not chunked, and still not held back
			_, _ = io.WriteString(w, "data: ")
			_ = http.NewResponseController(w).Flush()
			<-events
			_, _ = io.WriteString(w, "more\n\n")
			return
		}
		piece := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, piece)
		close(first)
		rest, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s and %d", piece, rest)
	}))
	defer upstream.Close()
	f := newFront(t, upstream.URL)

	source, sink := io.Pipe()
	go func() {
		_, _ = io.WriteString(sink, "first")
		<-first // the rest is sent only once this has arrived
		_, _ = sink.Write(make([]byte, 10<<20))
		sink.Close()
	}()
	response, err := client.Post(f.URL, "application/octet-stream", source)
	if got := read(t, response, err); got != "first and 10485760" {
		t.Errorf("upload: %q", got)
	}
	response, err = client.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	piece := make([]byte, 6)
	if _, err := io.ReadFull(response.Body, piece); err != nil || string(piece) != "data: " {
		t.Errorf("event: %q, %v", piece, err)
	}
	close(events)
}

// TestStaleConnection: that an idle connection was closed by the server is not
// the fault of the request that finds it.
func TestStaleConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				// One answer that promises to keep the connection, and the end.
				_, _ = http.ReadRequest(bufio.NewReader(connection))
				fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				connection.Close()
			}()
		}
	}()
	f := newFront(t, "http://"+listener.Addr().String())
	for i := range 50 {
		response, err := client.Get(f.URL)
		if got := read(t, response, err); got != "ok" || len(f.failed()) > 0 {
			t.Fatalf("request %d: %q", i, got)
		}
	}
}

// TestGone: each way of not answering is an ErrUpstream, and an answer of the
// upstream, whatever its status, is none.
func TestGone(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer upstream.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, test := range map[string]struct {
		target, path string
		gone         bool
	}{
		"refuses":          {"http://" + closed.Addr().String(), "/", true},
		"no such host":     {"http://no-such-host.invalid", "/", true},
		"hangs up":         {upstream.URL, "/cut", true},
		"says 503":         {upstream.URL, "/503", false},
		"TLS, speaks none": {strings.Replace(upstream.URL, "http:", "https:", 1), "/", true},
	} {
		f := newFront(t, test.target)
		response, err := client.Get(f.URL + test.path)
		read(t, response, err)
		errs := f.failed()
		if gone := len(errs) == 1 && errors.Is(errs[0], edge.ErrUpstream); gone != test.gone || !test.gone && len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
	if proxied.Load() > 0 {
		t.Error("a server was looked for behind the proxy of the environment")
	}
}

// TestTLS: an https target is reached by TLS, its certificate verified for the
// host in the target.
func TestTLS(t *testing.T) {
	_, port, _ := net.SplitHostPort(authority.Listener.Addr().String())
	f := newFront(t, "https://127.0.0.1:"+port)
	response, err := client.Get(f.URL)
	if got := read(t, response, err); got != "127.0.0.1:"+port+" over " {
		t.Errorf("trusted: %q %v", got, f.failed())
	}
	// The certificate is for 127.0.0.1 and example.com, not for localhost.
	f = newFront(t, "https://localhost:"+port)
	response, err = client.Get(f.URL)
	read(t, response, err)
	var wrong x509.HostnameError
	if errs := f.failed(); len(errs) != 1 || !errors.Is(errs[0], edge.ErrUpstream) || !errors.As(errs[0], &wrong) {
		t.Errorf("a certificate for another host: %v", errs)
	}
}

// TestWebSocket: frames pass, and go on to when the configuration is unloaded.
func TestWebSocket(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer socket.CloseNow()
		for {
			kind, message, err := socket.Read(r.Context())
			if err != nil || socket.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	defer upstream.Close()
	f := newFront(t, upstream.URL)
	socket, _, err := websocket.Dial(t.Context(), f.URL, &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the socket has the body
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	echo := func(when string) {
		t.Helper()
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(when)); err != nil {
			t.Fatal(when, err)
		}
		if _, got, err := socket.Read(t.Context()); err != nil || string(got) != when {
			t.Fatalf("%s: %q, %v", when, got, err)
		}
	}
	echo("before")
	if err := f.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	echo("after the reload")
}

// limited is a body that a directive before hub_proxy has cut off.
type limited struct{}

func (limited) Read([]byte) (int, error) {
	return 0, caddyhttp.Error(http.StatusRequestEntityTooLarge, errors.New("too large"))
}

// TestBodyLimit: a body that is too large is answered as such.
func TestBodyLimit(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }))
	defer upstream.Close()
	f := newFront(t, upstream.URL)
	to, err := route.ParseTarget(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, length := range map[string]int64{"small": 10, "chunks": -1} {
		r := httptest.NewRequest("POST", "/", limited{})
		r.ContentLength = length
		err := f.handler.ServeHTTP(httptest.NewRecorder(), WithRoute(r, route.Route{Target: to}), nil)
		var refused caddyhttp.HandlerError
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMisplaced: without a route nothing is sent anywhere.
func TestMisplaced(t *testing.T) {
	handler := new(Handler)
	err := handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), nil)
	var failed caddyhttp.HandlerError
	if !errors.As(err, &failed) || failed.StatusCode != http.StatusNotFound || !strings.Contains(err.Error(), "hub_auth") {
		t.Error(err)
	}
	if upstreams, err := (Upstreams{}).GetUpstreams(httptest.NewRequest("GET", "/", nil)); err != nil || len(upstreams) != 0 || upstreams == nil {
		t.Errorf("%v, %v", upstreams, err)
	}
	to, _ := route.ParseTarget("http://[::1]:8888")
	upstreams, err := (Upstreams{}).GetUpstreams(WithRoute(httptest.NewRequest("GET", "/", nil), route.Route{Target: to}))
	if err != nil || len(upstreams) != 1 || upstreams[0].Dial != "[::1]:8888" {
		t.Errorf("%v, %v", upstreams, err)
	}
}

// TestCleanedUp: a request that reaches the handler when its configuration has
// been unloaded, because others before it took their time, is served like any
// other; and the data path is let go of once.
func TestCleanedUp(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	defer upstream.Close()
	next, old := newFront(t, upstream.URL), newFront(t, upstream.URL)
	for range 2 {
		if err := old.handler.Cleanup(); err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]*front{"old": old, "new": next} {
			response, err := client.Get(f.URL)
			if got := read(t, response, err); got != "here" {
				t.Errorf("%s configuration: %q, %v", name, got, f.failed())
			}
		}
	}
	if _, exists := proxies.References(next.handler.key); !exists {
		t.Error("the data path went with the old configuration")
	}
}
