package api_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// events are the data lines of a stream of progress.
func events(body string) []string {
	var found []string
	for frame := range strings.SplitSeq(body, "\n\n") {
		if data, is := strings.CutPrefix(strings.TrimLeft(frame, "\n"), "data: "); is {
			found = append(found, data)
		}
	}
	return found
}

const readyEvent = `{"progress":100,"message":"Server ready at /user/ada/","html_message":` +
	`"Server ready at \u003ca href=\"/user/ada/\"\u003e/user/ada/\u003c/a\u003e","ready":true,"url":"/user/ada/"}`

func TestProgress(t *testing.T) {
	h := newHub(t, impatient)
	token := h.token("ada", "inherit")
	progress := request{method: "GET", path: "/users/ada/server/progress", token: token}
	h.expect(progress, 400, "ada is not starting...")
	h.expect(request{method: "GET", path: "/users/ada/servers/lab/progress", token: token}, 404, "Not Found")
	h.expect(request{method: "GET", path: "/users/nobody/server/progress", token: h.token("root", "inherit")}, 404, "Not Found")

	h.spawner.fail(errors.New("secret"))
	h.send(request{method: "POST", path: "/users/ada/server", token: token})
	h.settled("ada", "")
	failed := events(h.expect(progress, 200, "").Body.String())
	if len(failed) != 1 || !strings.HasPrefix(failed[0], `{"progress":100,"message":"Spawn failed`) || !strings.Contains(failed[0], `"failed":true`) {
		t.Errorf("failed: %q", failed)
	}
	h.spawner.fail(nil)
	h.ready("ada", "")
	got := h.expect(progress, 200, "")
	if diff := cmp.Diff([]string{readyEvent}, events(got.Body.String())); diff != "" {
		t.Error(diff)
	}
	if got.Header().Get("Content-Type") != "text/event-stream" || got.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("headers: %v", got.Header())
	}
	if !strings.HasPrefix(got.Body.String(), "\n\n") {
		t.Errorf("no keep-alive at once: %q", got.Body)
	}
}

// TestProgressLive listens to a start from its beginning to its end, over a
// real connection, twice at once.
func TestProgressLive(t *testing.T) {
	h := newHub(t, impatient)
	site := httptest.NewServer(h.api)
	defer site.Close()
	h.spawner.hold()
	token := h.token("ada", "inherit")
	h.expect(request{method: "POST", path: "/users/ada/server", token: token}, 202, "")
	var streams []*bufio.Scanner
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+"/hub/api/users/ada/server/progress", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		streams = append(streams, bufio.NewScanner(answer.Body))
	}
	for _, stream := range streams {
		if got := nextEvent(stream); got != `{"progress":0,"message":"Server requested"}` {
			t.Errorf("first event %s", got)
		}
		for got := ""; got != `{"progress":50,"message":"Spawning server..."}`; {
			if got = nextEvent(stream); got == "" {
				t.Fatal("the spawner's own event is missing")
			}
		}
	}
	h.spawner.release()
	for _, stream := range streams {
		var last string
		for got := nextEvent(stream); got != ""; got = nextEvent(stream) {
			last = got
		}
		if last != readyEvent {
			t.Errorf("final event %s", last)
		}
	}
}

func nextEvent(stream *bufio.Scanner) string {
	for stream.Scan() {
		if data, is := strings.CutPrefix(stream.Text(), "data: "); is {
			return data
		}
	}
	return ""
}

// TestKeepAlive lets time pass while nothing happens.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, impatient)
		token := h.token("ada", "inherit")
		h.spawner.hold()
		h.expect(request{method: "POST", path: "/users/ada/server", token: token}, 202, "")
		ctx, leave := context.WithTimeout(t.Context(), 25*time.Second)
		defer leave()
		got := httptest.NewRecorder()
		h.api.ServeHTTP(got, request{method: "GET", path: "/users/ada/server/progress", token: token}.http(ctx))
		// At once, and after 8, 16 and 24 seconds.
		if alive := strings.Count(got.Body.String(), "\n\n\n\n"); alive < 2 || strings.Count(got.Body.String(), "\n\n") != 4+len(events(got.Body.String())) {
			t.Errorf("keep-alives: %q", got.Body)
		}
		if _, err := h.servers.Stop(t.Context(), "ada", "", false); err != nil {
			t.Error(err)
		}
	})
}
