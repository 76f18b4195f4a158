// Package neighbours_test is what users can do to each other where their servers
// share an origin. Mallory's server serves a hostile page, and ada, who is logged
// in, visits it in a real browser: both servers are real, and so is everything
// that the page tries to get at.
//
// Every attack is tried from a page of ada's own server too, where it must work:
// an attack that cannot succeed would prove nothing.
package neighbours_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }
