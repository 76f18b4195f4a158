// Package refresh_test asks whether logins elsewhere are confirmed while people
// work: by requests and by open WebSockets, on one node and on two over Redis,
// and in a browser with JupyterLab.
//
// The scenario of TestSaves, an editor that is open for minutes while every token
// lives a second, takes as long as CADDYHUB_TEST_SAVING says, "5m" for the whole
// of it. By default it is short.
package refresh_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }
