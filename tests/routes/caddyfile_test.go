package routes_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestReplacementCaddyfile: the Caddyfile that takes configurable-http-proxy's
// place does so as it is delivered, but for its addresses.
func TestReplacementCaddyfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../caddyfiles/chp-replacement.Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	pages := http.NewServeMux()
	pages.HandleFunc("/hub/error/{status}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "page %s for %s", r.PathValue("status"), r.URL.Query().Get("url"))
	})
	pages.Handle("/", newBehaviour())
	targets, _ := backs(t, pages)
	for from, to := range map[string]string{
		"{\n\tcaddyhub\n}\n":    "",
		"hub.example.org {":     "https://localhost:{{.Secure}}, http://localhost:{{.Plain}} {\n\tbind 127.0.0.1",
		"http://127.0.0.1:8001": "http://127.0.0.1:{{.API}}",
		"http://127.0.0.1:8081": targets["http"],
	} {
		if !strings.Contains(string(text), from) {
			t.Fatalf("the Caddyfile has no %q", from)
		}
		text = []byte(strings.ReplaceAll(string(text), from, to))
	}
	e := startEdge(t, &edge{Sites: string(text)})
	e.route("/user/ada", targets["http"])
	if status, answer := e.api(http.MethodGet, "/other", ""); status != http.StatusNotFound || answer != "Not Found" {
		t.Errorf("beside the API: %d %s", status, answer)
	}
	if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/routes", e.API)); err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("without the token: %v, %v", response, err)
	} else {
		response.Body.Close()
	}
	for _, front := range e.fronts() {
		for path, want := range map[string]string{"/user/ada/x": `"Target":"/user/ada/x"`, "/none?a": "page 404 for /none?a", "/_chp_healthz": `{"status":"OK"}`} {
			response, err := front.client.Get(front.url + path)
			if err != nil {
				t.Fatalf("%s: %v", front.name, err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || !strings.Contains(string(body), want) || response.ProtoMajor != front.version {
				t.Errorf("%s, %s: %s %q, %v", front.name, path, response.Proto, body, err)
			}
		}
	}
}

// TestReload: a new configuration cuts nothing, neither what it changes nor what
// it leaves as it is. With a grace_period it would, over HTTP/3, when that is over.
func TestReload(t *testing.T) {
	t.Parallel()
	behaviour := newBehaviour()
	targets, authority := backs(t, behaviour)
	e := startEdge(t, &edge{Options: "client_ssl_ca " + authority, Patient: true})
	type open struct {
		*way
		socket *socket
		events answer
		both   answer
		sink   *io.PipeWriter
	}
	var all []open
	for _, front := range e.fronts() {
		for kind, target := range targets {
			w := &way{front, behaviour, e, "/" + strings.ReplaceAll(front.name, " ", "-") + "/" + kind, kind}
			e.route(w.prefix, target)
			o := open{way: w}
			_, o.socket = w.open(t, "/ws")
			o.events = w.do(t.Context(), t, http.MethodGet, "/events", nil, nil)
			source, sink := io.Pipe()
			o.both, o.sink = w.do(t.Context(), t, http.MethodPost, "/both", source, nil), sink
			all = append(all, o)
		}
	}
	check := func(when string) {
		t.Helper()
		for _, o := range all {
			name := when + ", " + o.name + ", " + o.kind
			message := frame(final|text, []byte(when))
			if _, err := o.socket.Write(message); err != nil {
				t.Errorf("%s: WebSocket: %v", name, err)
			}
			if _, err := io.ReadFull(o.socket, make([]byte, len(message))); err != nil {
				t.Errorf("%s: WebSocket: %v", name, err)
			}
			if _, err := io.ReadFull(o.events.Body, make([]byte, len("data: 0\n\n"))); err != nil {
				t.Errorf("%s: events: %v", name, err)
			}
			if _, err := io.WriteString(o.sink, "x"); err != nil {
				t.Errorf("%s: upload: %v", name, err)
			}
			if _, err := io.ReadFull(o.both.Body, make([]byte, 1)); err != nil {
				t.Errorf("%s: download: %v", name, err)
			}
		}
	}
	check("before")
	for i, options := range []string{e.Options, e.Options + "\n\t\tchange_origin", e.Options + "\n\t\tproxy_timeout 1h"} {
		e.Options = options
		e.reload()
		check(fmt.Sprint("after reload ", i))
	}
	// The configurations that were replaced are gone meanwhile.
	var reading sync.WaitGroup
	for _, o := range all {
		reading.Go(func() {
			if _, err := io.ReadFull(o.events.Body, make([]byte, 25*len("data: 0\n\n"))); err != nil {
				t.Errorf("%s, %s: events: %v", o.name, o.kind, err)
			}
		})
	}
	reading.Wait()
	check("in the end")
	for _, o := range all {
		o.sink.Close()
		o.socket.close()
	}
	hubtest.Eventually(t, "routes are still there", func() bool {
		_, table := e.api(http.MethodGet, "/api/routes", "")
		return strings.Count(table, `"target"`) == len(all)
	})
	e.Patient = false
	e.reload()
}
