package server

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestProbe asks real servers.
func TestProbe(t *testing.T) {
	var asked atomic.Value
	var redirected atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { redirected.Store(true) })
	for path, status := range map[string]int{
		"/user/ok/api": 200, "/user/forbidden/lab/api": 403, "/user/missing/api": 404, "/user/broken/api": 500, "/user/starting/api": 503,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r.Method + " " + r.RequestURI)
			w.WriteHeader(status)
		})
	}
	mux.HandleFunc("/user/moved/api", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	upstream := httptest.NewServer(mux)
	defer upstream.Close()
	closed := httptest.NewServer(mux)
	closed.Close()

	m := newHub(t).node("east").Manager
	settings := Settings{}.withDefaults()
	for _, test := range []struct {
		url, user, name string
		want            bool
	}{
		{upstream.URL, "ok", "", true},
		{upstream.URL, "forbidden", "lab", true},
		{upstream.URL, "missing", "", true},
		{upstream.URL, "moved", "", true},
		{upstream.URL, "broken", "", false},
		{upstream.URL, "starting", "", false},
		{closed.URL, "ok", "", false},
	} {
		got, err := m.probe(t.Context(), settings, Server{User: test.user, Name: test.name, URL: test.url})
		if got != test.want || got != (err == nil) {
			t.Errorf("probe of %s = %v, %v", test.user, got, err)
		}
	}
	if redirected.Load() {
		t.Error("the probe followed a redirect")
	}
	if _, err := m.probe(t.Context(), settings, Server{User: "ok", URL: upstream.URL}); err != nil || asked.Load() != "GET /user/ok/api" {
		t.Errorf("asked for %v, %v", asked.Load(), err)
	}
}

// TestProbeIsQuick bounds the time between the moment a server is up and the
// moment it is ready: somebody is waiting.
func TestProbeIsQuick(t *testing.T) {
	for _, up := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 10 * time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, "ada")
			n := h.node("east")
			n.spawner.status = -1
			begun := time.Now()
			h.start(n, "ada", "")
			go func() {
				time.Sleep(up)
				synctest.Wait()
				h.platform.set("ada", func(p *program) { p.status = 404 })
			}()
			if s := h.wait(n, "ada", ""); !s.Ready {
				t.Fatalf("up after %v: %+v", up, s.Failure)
			}
			if late := time.Since(begun) - up; late > 60*time.Millisecond+up*3/10 {
				t.Errorf("a server that was up after %v was found %v later", up, late)
			}
		})
	}
}
