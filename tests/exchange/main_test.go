// Package exchange_test sends people into a hub by one-time tokens, as portals do:
// the example as it stands, with a browser and a real JupyterLab; JupyterHub's
// forced login, as its documentation has it; one token brought to two nodes many
// times at once; and whatever else a stranger may try, counted by kind.
package exchange_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }
