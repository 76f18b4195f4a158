package redis_test

import (
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// proxy stands between a store and its server. When armed, it lets the server
// work and ends the connection in place of the answer.
type proxy struct {
	listener net.Listener
	server   string
	armed    atomic.Bool
	dropped  atomic.Int64
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	folder, err := os.MkdirTemp("", "proxy") // a short path for the socket
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: parsed.Path}
	go p.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		_ = os.RemoveAll(folder)
	})
	return p
}

func (p *proxy) url() string { return "unix://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		go p.answer(client, server)
	}
}

// answer carries answers back until it has to lose one.
func (p *proxy) answer(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if p.armed.CompareAndSwap(true, false) {
			p.dropped.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestLostAnswerCommitsOnce loses the answer of every commit once: the client
// sends it again, and the server must know it.
func TestLostAnswerCommitsOnce(t *testing.T) {
	between := startProxy(t, redistest.Start(t, redistest.Options{}).URL())
	s := openWithoutSweep(t, between.url())
	const rounds = 20
	for range rounds {
		runs := 0
		err := s.Update(t.Context(), func(w store.Writer) error {
			runs++
			if err := increment(w, item("n")); err != nil {
				return err
			}
			between.armed.Store(true) // all reads are done, the commit comes next
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if runs != 1 {
			t.Errorf("the closure ran %d times", runs)
		}
	}
	if got := value(t, s, item("n")); got != "20" || between.dropped.Load() != rounds {
		t.Errorf("counted %s in %d rounds, %d answers lost", got, rounds, between.dropped.Load())
	}
}

func openWithoutSweep(t *testing.T, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(redis.Options{URL: url, Sweep: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
