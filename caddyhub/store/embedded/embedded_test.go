package embedded_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		path := filepath.Join(t.TempDir(), "sub", "hub.db")
		s, err := embedded.Open(embedded.Options{Path: path, Now: clock.Now, Sweep: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
