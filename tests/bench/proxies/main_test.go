package proxies

import (
	"fmt"
	"os"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// asUpstream makes this program the upstream in place of running benchmarks. A
// hub starts it as a single-user server.
const asUpstream = "CADDYHUB_BENCH_UPSTREAM"

func TestMain(m *testing.M) {
	if os.Getenv(asUpstream) != "" {
		if err := serveUpstream(os.Getenv("JUPYTERHUB_SERVICE_URL")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	hubtest.Main(m)
}
