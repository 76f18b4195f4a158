// Package logins_test logs people in by the systems that vouch for them, each a real
// one that the test runs: an OpenID provider in a process of its own, and others.
package logins_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }
