package bench_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// world is what all hubs hold: users, of whom the first have a token and a
// running server each, and a service that culls.
type world struct {
	users  int
	tokens []string
	culler string
	// port is where all servers are reached: this test answers for them.
	port int
}

func newWorld(b *testing.B, users, servers int) *world {
	b.Helper()
	w := &world{users: users, culler: secret()}
	for range servers {
		w.tokens = append(w.tokens, secret())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	w.port = listener.Addr().(*net.TCPAddr).Port
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"version":"2.17.0"}`)) // the hub may have left
	})
	site := &http.Server{Handler: answer}
	go func() { _ = site.Serve(listener) }() // until Close
	b.Cleanup(func() { _ = site.Close() })
	return w
}

// names are those of all users.
func (w *world) names() []string {
	names := make([]string, w.users)
	for i := range names {
		names[i] = userName(i)
	}
	return names
}

func userName(i int) string { return fmt.Sprintf("user%05d", i) }

func secret() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// freePort is a port that nobody listens on at the moment.
func freePort(b *testing.B) int {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
