// Package clients_test runs other people's programs against a hub, unchanged, as
// their documentation says: what JupyterHub's own clients, its single-user
// server, and the scripts of administrators do.
package clients_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }
