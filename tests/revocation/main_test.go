// Package revocation_test measures how soon an open WebSocket ends when what allowed
// it is taken away: by a logout, a revoked token, the end of a session, a user, a
// group, a role. It prints a table; what it asserts is that each is closed with code
// 1008, on every node, and that nothing else is closed.
//
//	go test -v ./tests/revocation
//
// CADDYHUB_TEST_REVOCATIONS is how many of each kind are measured (default 20; 200
// takes about six minutes), CADDYHUB_TEST_SOCKETS how many WebSockets of others are
// open in TestManyOpen (default 2000; more than 9000 are spread over two nodes).
package revocation_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// number is a setting of whoever runs the tests.
func number(t testing.TB, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		t.Fatalf("%s=%q is no number above zero", name, text)
	}
	return value
}
