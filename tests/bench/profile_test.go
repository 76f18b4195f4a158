package bench_test

import (
	"context"
	"io"
	"net"
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
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.admin)
	}}}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://localhost/debug/pprof/" + what)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d, %v", what, response.StatusCode, err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
}
