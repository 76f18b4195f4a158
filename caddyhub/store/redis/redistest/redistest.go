// Package redistest starts a real redis-server for a test: the one on the PATH,
// with its own folder, and ends it with the test. It can be stopped, killed and
// started again in the middle, which is what it is for.
package redistest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startTimeout is how long a server may take to answer, loading included.
const startTimeout = 20 * time.Second

// Options of a Server.
type Options struct {
	// Persistent servers write every command to disk before they answer, so
	// that Kill and Restart lose nothing. Others keep nothing at all.
	Persistent bool
	// Cluster makes it a Redis Cluster of one node, on a TCP port.
	Cluster bool
	// Arguments are appended to the command line of the server.
	Arguments []string
}

// Server is a running redis-server.
type Server struct {
	t       testing.TB
	options Options
	folder  string
	port    int
	process *exec.Cmd
}

// Start starts a server. Without redis-server on the PATH the test is skipped,
// or fails when CADDYHUB_TEST_REQUIRE is 1.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatalf("this test needs redis-server: %v", err)
		}
		t.Skipf("this test needs redis-server: %v", err)
	}
	// Not t.TempDir: the path of a Unix socket must be short.
	folder, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, options: options, folder: folder}
	t.Cleanup(func() {
		s.Kill()
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("remove the folder of redis-server: %v", err)
		}
	})
	if options.Cluster {
		s.port = freePort(t)
	}
	s.start()
	if options.Cluster {
		s.joinCluster()
	}
	return s
}

// URL is where the server listens, in the form that redis.Options takes.
func (s *Server) URL() string {
	if s.options.Cluster {
		return fmt.Sprintf("redis://127.0.0.1:%d?cluster=true", s.port)
	}
	return (&url.URL{Scheme: "unix", Path: s.socket()}).String()
}

// Stop ends the server in its own order (SIGTERM) and waits for it.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once (SIGKILL), as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Freeze stops the server from answering, with its connections open, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// Restart starts a server again that was stopped or killed, in the same place
// and with what it has kept, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatal("redistest: Restart of a running server")
	}
	s.start()
}

// Flush removes everything the server holds.
func (s *Server) Flush() {
	s.t.Helper()
	client := s.Client()
	defer client.Close()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
}

// Client is a plain client of the server; the caller closes it.
func (s *Server) Client() *redis.Client {
	if s.options.Cluster {
		return redis.NewClient(&redis.Options{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))})
	}
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
}

func (s *Server) socket() string { return filepath.Join(s.folder, "s") }

func (s *Server) start() {
	s.t.Helper()
	arguments := []string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.folder, "--save", "", "--loglevel", "warning"}
	if s.options.Persistent {
		arguments = append(arguments, "--appendonly", "yes", "--appendfsync", "always")
	}
	if s.options.Cluster {
		arguments = append(arguments, "--cluster-enabled", "yes")
	} else {
		arguments = append(arguments, "--unixsocket", s.socket())
	}
	s.process = exec.Command("redis-server", append(arguments, s.options.Arguments...)...)
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	client := s.Client()
	defer client.Close()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		err := client.Ping(context.Background()).Err()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

// joinCluster makes the server the owner of all slots and waits until it serves.
func (s *Server) joinCluster() {
	s.t.Helper()
	client := s.Client()
	defer client.Close()
	ctx := context.Background()
	if err := client.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		if err := client.Set(ctx, "ready", "", 0).Err(); err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server does not form a cluster")
		}
	}
}

func (s *Server) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatalf("signal redis-server: %v", err)
	}
}

func (s *Server) end(signal os.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal) // it may have ended by itself
	_ = s.process.Wait()                 // says only that a signal ended it
	s.process = nil
}

func freePort(t testing.TB) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
