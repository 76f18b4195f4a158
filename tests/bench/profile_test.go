package bench_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// profile saves where the time of one kind of request goes and what is in
// memory, of every hub that tells, if a folder for that is named.
func profile(b *testing.B, w *world, call call, contenders []*contender) {
	b.Helper()
	folder := os.Getenv("CADDYHUB_BENCH_PROFILES")
	if folder == "" {
		return
	}
	for _, c := range contenders {
		if c.admin == "" {
			continue
		}
		load := measure.Load{Address: c.address, Requests: call.requests(w, c.address), Status: http.StatusOK}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = load.Run(ctx, time.Minute) // ends with the context
		}()
		name := strings.Map(letters, c.name+" "+call.name)
		c.save(b, "profile?seconds=3", filepath.Join(folder, name+".cpu"))
		c.save(b, "heap?gc=1", filepath.Join(folder, name+".heap"))
		cancel()
		<-ended
	}
}

func letters(r rune) rune {
	if strings.ContainsRune("/ ?=,", r) {
		return '_'
	}
	return r
}

func (c *contender) save(b *testing.B, what, path string) {
	b.Helper()
	if err := measure.SaveProfile(b.Context(), c.admin, what, path); err != nil {
		b.Fatal(err)
	}
}
