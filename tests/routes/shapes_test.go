package routes_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for something that is to happen at once.
const patience = 20 * time.Second

// way is one way through the edge.
type way struct {
	front
	*behaviour
	edge *edge
	// prefix of the route, and the kind of its target.
	prefix, kind string
}

// TestShapes: whatever is spoken in front and behind, requests and answers arrive
// as they were sent.
func TestShapes(t *testing.T) {
	t.Parallel()
	behaviour := newBehaviour()
	targets, authority := backs(t, behaviour)
	e := startEdge(t, &edge{Options: "client_ssl_ca " + authority})
	for _, front := range e.fronts() {
		for kind, target := range targets {
			w := &way{front, newBehaviour(), e, "/" + strings.ReplaceAll(front.name, " ", "-") + "/" + kind, kind}
			w.told = behaviour.told
			e.route(w.prefix, target)
			t.Run(front.name+", "+kind, func(t *testing.T) {
				for name, test := range map[string]func(*testing.T){
					"request": w.testRequest, "HEAD": w.testHead, "trailers": w.testTrailers, "hints": w.testHints, "expect": w.testExpect,
					"early": w.testEarly, "unanswered": w.testUnanswered, "both ways": w.testBothWays, "dies": w.testDies, "large": w.testLarge,
				} {
					t.Run(name, test)
				}
			})
		}
	}
	t.Run("gone", func(t *testing.T) {
		for _, front := range e.fronts() {
			for kind := range targets {
				w := &way{front, behaviour, e, "/" + strings.ReplaceAll(front.name, " ", "-") + "/" + kind, kind}
				w.testGone(t)
			}
		}
	})
}

// answer is a response whose body is closed with the test.
type answer struct{ *http.Response }

// do sends a request.
func (w *way) do(ctx context.Context, t *testing.T, method, path string, body io.Reader, change func(*http.Request)) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, w.url+w.prefix+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	response, err := w.client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.ProtoMajor != w.version {
		t.Fatalf("spoke %s", response.Proto)
	}
	return answer{response}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (w *way) testRequest(t *testing.T) {
	body := strings.Repeat("0123456789", 20_000)
	sum := sha256.Sum256([]byte(body))
	huge := strings.Repeat("h", 12<<10)
	response := w.do(within(t), t, http.MethodPost, "/a%2Fb%20c/%C3%BC?x=%41&&y", strings.NewReader(body), func(r *http.Request) {
		r.Header.Set("X-Huge", huge)
		r.Header["Cookie"] = []string{"a=1; b=2"}
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
	})
	var got recorded
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	protocol := "HTTP/1.1"
	if w.kind == "h2c" {
		protocol = "HTTP/2.0"
	}
	_, host, _ := strings.Cut(w.url, "://")
	want := recorded{Method: "POST", Target: w.prefix + "/a%2Fb%20c/%C3%BC?x=%41&&y", Host: host, Protocol: protocol, Length: int64(len(body)), Sum: hex.EncodeToString(sum[:])}
	header := got.Header
	got.Header = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	scheme, _, _ := strings.Cut(w.url, ":")
	for name, want := range map[string]string{
		"X-Huge": huge, "Cookie": "a=1; b=2", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": scheme, "Transfer-Encoding": "", "Connection": "",
	} {
		if got := strings.Join(header[name], "|"); got != want {
			t.Errorf("%s: %.100q, want %.100q", name, got, want)
		}
	}
}

func (w *way) testHead(t *testing.T) {
	response := w.do(within(t), t, http.MethodHead, "/head", nil, nil)
	if body, err := io.ReadAll(response.Body); err != nil || len(body) > 0 || response.ContentLength != 12345 || len(response.Header.Get("X-Huge")) != 100<<10 {
		t.Errorf("%d %.100v %q %v", response.ContentLength, response.Header, body, err)
	}
}

func (w *way) testTrailers(t *testing.T) {
	response := w.do(within(t), t, http.MethodPost, "/trailers", io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo")), func(r *http.Request) {
		r.Trailer = http.Header{"X-Sum": {"42"}}
	})
	body, err := io.ReadAll(response.Body)
	want := http.Header{"X-Announced": {"42"}, "X-Unannounced": {"too"}}
	if w.version == 3 {
		want.Set("X-Announced", "") // the server of HTTP/3 knows no trailer of a request
	}
	if diff := cmp.Diff(want, response.Trailer); err != nil || string(body) != "hello" || diff != "" {
		t.Errorf("%q, %v (-want +got):\n%s", body, err, diff)
	}
}

func (w *way) testHints(t *testing.T) {
	var links []string
	ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		if code != http.StatusEarlyHints {
			return errors.New("another status")
		}
		links = append(links, header["Link"]...)
		return nil
	}})
	response := w.do(ctx, t, http.MethodGet, "/hints", nil, nil)
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "done" || strings.Join(links, " ") != "</a> </b>" || response.Header.Get("Link") != "" {
		t.Errorf("%q, %v, %q, %v", body, err, links, response.Header)
	}
}

// read says whether anything was read of a body.
type read struct {
	io.Reader
	begun atomic.Bool
}

func (r *read) Read(b []byte) (int, error) {
	r.begun.Store(true)
	return r.Reader.Read(b)
}

func (w *way) testExpect(t *testing.T) {
	for path, status := range map[string]int{"/refuse": http.StatusExpectationFailed, "/accept": http.StatusOK} {
		body := &read{Reader: strings.NewReader("hello")}
		response := w.do(within(t), t, http.MethodPost, path, body, func(r *http.Request) {
			r.ContentLength = 5
			r.Header.Set("Expect", "100-continue")
		})
		_, _ = io.Copy(io.Discard, response.Body)
		if response.StatusCode != status {
			t.Errorf("%s: %s", path, response.Status)
		}
		// Go's server of HTTP/2 asks for the body itself, and the client for HTTP/3
		// waits for nobody.
		if w.version == 1 && body.begun.Load() != (status == http.StatusOK) {
			t.Errorf("%s: the body was asked for: %v", path, body.begun.Load())
		}
	}
}

// testEarly: an answer comes while the client still sends.
func (w *way) testEarly(t *testing.T) {
	source, sink := io.Pipe()
	defer sink.Close()
	go func() { _, _ = io.Copy(sink, new(counter)) }() // until the client has its answer
	response := w.do(within(t), t, http.MethodPost, "/early", source, nil)
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "too much" || response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%s %q %v", response.Status, body, err)
	}
}

// testUnanswered: an upstream ends without an answer while the client still sends,
// and the client hears that from the proxy.
func (w *way) testUnanswered(t *testing.T) {
	source, sink := io.Pipe()
	defer sink.Close()
	go func() { _, _ = io.Copy(sink, new(counter)) }() // until the client has its answer
	response := w.do(within(t), t, http.MethodPost, "/silent-death", source, nil)
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusServiceUnavailable || len(body) == 0 {
		t.Errorf("%s %q %v", response.Status, body, err)
	}
}

func (w *way) testBothWays(t *testing.T) {
	source, sink := io.Pipe()
	response := w.do(within(t), t, http.MethodPost, "/both", source, nil)
	piece := make([]byte, 1)
	for _, letter := range []byte("abc") {
		if _, err := sink.Write([]byte{letter}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(response.Body, piece); err != nil || piece[0] != letter {
			t.Fatalf("%q, %v", piece, err)
		}
	}
	sink.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// testDies: an answer that breaks off is never a complete one.
func (w *way) testDies(t *testing.T) {
	for _, path := range []string{"/length", "/chunks"} {
		if w.version == 3 {
			// What was sent before a stream is reset may never arrive.
			if response, err := w.client.Get(w.url + w.prefix + path); err == nil {
				if body, err := io.ReadAll(response.Body); err == nil {
					t.Errorf("%s: complete: %q", path, body)
				}
				_ = response.Body.Close()
			}
			continue
		}
		response := w.do(within(t), t, http.MethodGet, path, nil, nil)
		if body, err := io.ReadAll(response.Body); err == nil || string(body) != "half" {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
}

func (w *way) testLarge(t *testing.T) {
	const size = 3 << 20
	var want bytes.Buffer
	_, _ = io.CopyN(&want, new(counter), size)
	response := w.do(within(t), t, http.MethodGet, "/large?size=3145728", nil, nil)
	if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("download of %d bytes, %v", len(got), err)
	}
	sum := sha256.Sum256(want.Bytes())
	response = w.do(within(t), t, http.MethodPut, "/upload", io.LimitReader(new(counter), size), nil)
	var got recorded
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || got.Length != size || got.Sum != hex.EncodeToString(sum[:]) {
		t.Errorf("upload of %d bytes, %v", got.Length, err)
	}
}

// testGone: when the client has gone, the upstream is told.
func (w *way) testGone(t *testing.T) {
	for _, path := range []string{"/gone", "/events"} {
		ctx, leave := context.WithCancel(within(t))
		response := w.do(ctx, t, http.MethodGet, path, nil, nil)
		if path == "/events" {
			event := make([]byte, len("data: 0\n\ndata: 1\n\n"))
			if _, err := io.ReadFull(response.Body, event); err != nil || string(event) != "data: 0\n\ndata: 1\n\n" {
				t.Errorf("%s: %q, %v", w.prefix, event, err)
			}
		}
		leave()
		select {
		case told := <-w.told:
			if told != w.prefix+path {
				t.Errorf("%s has ended, want %s", told, w.prefix+path)
			}
		case <-time.After(patience):
			t.Fatalf("%s%s: the upstream was not told", w.prefix, path)
		}
	}
}
