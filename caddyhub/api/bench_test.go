package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// silent is an answer that costs nothing.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header            { return s.header }
func (s *silent) Write(data []byte) (int, error) { return len(data), nil }
func (s *silent) WriteHeader(status int)         { s.status = status }

// BenchmarkAPI is what requests cost that a hub gets all the time, without what
// HTTP costs.
func BenchmarkAPI(b *testing.B) {
	h := newHub(b, func(s *settings) { s.remembering = true })
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("user%04d", i)
	}
	if _, err := h.directory.CreateUsers(b.Context(), many, false); err != nil {
		b.Fatal(err)
	}
	for _, name := range many[:100] {
		if err := h.servers.Start(b.Context(), name, "", nil); err != nil {
			b.Fatal(err)
		}
		if _, err := h.servers.Wait(b.Context(), name, "", time.Minute); err != nil {
			b.Fatal(err)
		}
	}
	h.awaitMemory()
	root, user := h.token("root", "inherit"), h.token(many[0], "inherit")
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	for _, test := range []struct {
		name string
		ask  request
	}{
		{"self", request{method: "GET", path: "/user", token: user}},
		{"user", request{method: "GET", path: "/users/" + many[0], token: root}},
		{"page", request{method: "GET", path: "/users?limit=50", token: root}.with("Accept", paginated)},
		{"ready", request{method: "GET", path: "/users?state=ready", token: root}.with("Accept", paginated)},
		{"activity", request{
			method: "POST", path: "/users/" + many[0] + "/activity", token: user,
			body: fmt.Sprintf(`{"servers": {"": {"last_activity": %q}}, "last_activity": %q}`, now, now),
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			wire := test.ask.http(b.Context())
			b.ReportAllocs()
			for b.Loop() {
				w := &silent{header: make(http.Header)}
				wire.Body = io.NopCloser(strings.NewReader(test.ask.body))
				h.memory.ServeHTTP(w, wire)
				if w.status != http.StatusOK {
					b.Fatalf("answered %d", w.status)
				}
			}
		})
	}
}
