package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
)

// starting is how many servers are started at once.
const starting = 64

// seedCaddyhub writes users, tokens and running servers with the hub's own
// packages, as the hub itself would.
func seedCaddyhub(b *testing.B, w *world, folder, url, secret string) {
	b.Helper()
	s, source := openStore(b, folder, url, secret)
	defer s.Close()
	keys, err := keyring.Open(b.Context(), source, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	directory := identity.New(identity.Options{Store: s, Keys: keys})
	seedUsers(b, w, directory)
	manager, err := server.New(server.Options{Store: s, Directory: directory, Settings: server.Settings{
		Spawner: here(b, w), Probe: answering{}, APIURL: "http://127.0.0.1/hub/api",
	}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running, workers sync.WaitGroup
	running.Go(func() { _ = manager.Run(ctx) }) // ends with the context
	names := make(chan string)
	failures := make(chan error, len(w.tokens))
	for range starting {
		workers.Go(func() {
			for name := range names {
				failures <- startServer(ctx, manager, name)
			}
		})
	}
	for i := range w.tokens {
		names <- userName(i)
	}
	close(names)
	workers.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			b.Fatal(err)
		}
	}
	err = manager.Close(b.Context())
	cancel()
	running.Wait()
	if err := errors.Join(err, directory.Activity().Flush(b.Context())); err != nil {
		b.Fatal(err)
	}
}

func openStore(b *testing.B, folder, url, secret string) (store.Store, keyring.Source) {
	b.Helper()
	if url != "" {
		s, err := redis.Open(redis.Options{URL: url})
		if err != nil {
			b.Fatal(err)
		}
		return s, keyring.Stored{Store: s, Secret: []byte(secret), Now: time.Now}
	}
	path := filepath.Join(folder, "caddyhub.db")
	s, err := embedded.Open(embedded.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	return s, keyring.File{Path: path + ".keys", Now: time.Now}
}

func seedUsers(b *testing.B, w *world, directory *identity.Directory) {
	b.Helper()
	const atOnce = 500
	names := make([]string, w.users)
	now := time.Now()
	for i := range names {
		names[i] = userName(i)
		directory.Activity().Touch(identity.ActivityOfUser(names[i]), now.Add(-time.Duration(i%600)*time.Minute))
	}
	for i := 0; i < len(names); i += atOnce {
		if _, err := directory.CreateUsers(b.Context(), names[i:min(i+atOnce, len(names))], false); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; i < len(w.tokens); i += atOnce {
		err := directory.Store().Update(b.Context(), func(writer store.Writer) error {
			for j := i; j < min(i+atOnce, len(w.tokens)); j++ {
				details := identity.NewToken{Owner: identity.UserOwner(userName(j)), Scopes: []string{scope.Inherit}, Note: "for the benchmark"}
				if _, err := directory.CreateTokenIn(writer, w.tokens[j], details); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func startServer(ctx context.Context, manager *server.Manager, user string) error {
	if err := manager.Start(ctx, user, "", nil); err != nil {
		return fmt.Errorf("start of %s: %w", user, err)
	}
	_, err := manager.Wait(ctx, user, "", time.Minute)
	return err
}

// process is a spawner whose servers are all this process, in the words of the
// spawner that the hub will have.
type process struct {
	state map[string]any
	url   string
}

func here(b *testing.B, w *world) *process {
	b.Helper()
	machine, errMachine := osprocess.ThisMachine()
	info, errInfo := osprocess.Inspect(os.Getpid())
	node, errNode := os.Hostname()
	if err := errors.Join(errMachine, errInfo, errNode); err != nil {
		b.Fatal(err)
	}
	return &process{url: fmt.Sprintf("http://127.0.0.1:%d", w.port), state: map[string]any{
		"version": 1, "node": node, "boot_id": machine.Boot, "pid_namespace": machine.Namespace,
		"ip": "127.0.0.1", "port": w.port, "pid": info.PID, "start_ticks": info.Ticks,
	}}
}

// Start implements spawner.Spawner.
func (p *process) Start(context.Context, spawner.Request, spawner.Events) (spawner.Started, error) {
	state, err := json.Marshal(p.state)
	return spawner.Started{URL: p.url, State: state}, err
}

// Poll implements spawner.Spawner.
func (*process) Poll(context.Context, spawner.Ref) (spawner.Status, error) {
	return spawner.Status{Running: true}, nil
}

// Stop implements spawner.Spawner.
func (*process) Stop(context.Context, spawner.Ref, bool) error { return nil }

// answering is a network on which every server answers.
type answering struct{}

// RoundTrip implements http.RoundTripper.
func (answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}
