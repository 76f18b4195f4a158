package cull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/lease"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// hub is a hub with real records and servers of no substance.
type hub struct {
	t         *testing.T
	store     *storetest.Fragile
	directory *identity.Directory
	servers   *server.Manager
	platform  *platform
	// culled is what was culled: "server idle", in order.
	mu     sync.Mutex
	culled []string
}

func newHub(t *testing.T, users ...string) *hub {
	t.Helper()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, store: &storetest.Fragile{Store: opened}, platform: &platform{hang: make(chan struct{})}}
	t.Cleanup(func() { _ = opened.Close() })
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h.directory = identity.New(identity.Options{Store: h.store, Keys: ring})
	for _, name := range users {
		if _, err := h.directory.CreateUser(t.Context(), name, name == "root"); err != nil {
			t.Fatal(err)
		}
	}
	h.servers, err = server.New(server.Options{
		Store: h.store, Directory: h.directory, Node: "east",
		Settings: server.Settings{
			Spawner: h.platform, APIURL: "http://hub/hub/api", Probe: answers{},
			Named:    server.NamedServers{Enabled: true},
			Timeouts: server.Timeouts{Start: 100 * 24 * time.Hour},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.background(func(ctx context.Context) { _ = h.servers.Run(ctx) })
	t.Cleanup(func() {
		close(h.platform.hang)
		h.store.Away.Store(false)
		_ = h.servers.Close(context.Background())
	})
	return h
}

// background runs something until the test ends; end ends it earlier.
func (h *hub) background(run func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	end = func() {
		cancel()
		running.Wait()
	}
	h.t.Cleanup(end)
	return end
}

// cull runs a culler of one node.
func (h *hub) cull(node string, settings Settings, servers Servers) (*Culler, func()) {
	if servers == nil {
		servers = h.servers
	}
	c := New(Options{
		Directory: h.directory, Servers: servers, Leases: lease.New(h.store, node, nil, nil), DeleteUser: h.deleteUser,
		Culled: func(kind, reason string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.culled = append(h.culled, kind+" "+reason)
		},
	})
	c.Configure(settings)
	return c, h.background(func(ctx context.Context) {
		if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
			h.t.Error(err)
		}
	})
}

func (h *hub) deleteUser(ctx context.Context, name string) error {
	list, err := h.servers.List(ctx, name)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Active() {
			return errors.New("has an active server")
		}
	}
	if err := h.servers.StopAll(ctx, name); err != nil {
		return err
	}
	return h.directory.DeleteUser(ctx, name)
}

// start starts a server and waits until it is ready.
func (h *hub) start(user, name string) {
	h.t.Helper()
	if err := h.servers.Start(h.t.Context(), user, name, nil); err != nil {
		h.t.Fatal(err)
	}
	if s, err := h.servers.Wait(h.t.Context(), user, name, time.Minute); err != nil || !s.Ready {
		h.t.Fatalf("%s/%s: %+v, %v", user, name, s, err)
	}
}

// touch is what the edge does at every request.
func (h *hub) touch(user, name string) {
	now := time.Now()
	h.directory.Activity().Touch(identity.ActivityOfServer(user, name), now)
	h.directory.Activity().Touch(identity.ActivityOfUser(user), now)
}

// state tells of every user and server: "ada/ ready, ada/lab stopped, bob".
func (h *hub) state() string {
	h.t.Helper()
	users, err := h.directory.Users(context.Background(), 0, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	var parts []string
	for _, user := range users {
		list, err := h.servers.List(context.Background(), user.Name)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range list {
			word := string(s.Pending)
			switch {
			case s.Ready:
				word = "ready"
			case s.Stopped():
				word = "stopped"
			}
			parts = append(parts, s.FullName()+" "+word)
		}
		if len(list) == 0 {
			parts = append(parts, user.Name)
		}
	}
	return strings.Join(parts, ", ")
}

func (h *hub) expect(want string) {
	h.t.Helper()
	if got := h.state(); got != want {
		h.t.Errorf("there is: %s\nwant:     %s", got, want)
	}
}

func (h *hub) reasons() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.culled, ", ")
}

// platform starts at once, but for the servers named "slow", which never come up.
type platform struct {
	hang  chan struct{}
	ports atomic.Int64
}

func (p *platform) Start(ctx context.Context, request spawner.Request, _ spawner.Events) (spawner.Started, error) {
	if request.Server == "slow" {
		select {
		case <-p.hang:
		case <-ctx.Done():
		}
		return spawner.Started{}, errors.New("no")
	}
	return spawner.Started{URL: fmt.Sprintf("http://10.0.0.1:%d", 40000+p.ports.Add(1))}, nil
}

func (*platform) Poll(context.Context, spawner.Ref) (spawner.Status, error) {
	return spawner.Status{Running: true}, nil
}

func (*platform) Stop(context.Context, spawner.Ref, bool) error { return nil }

// answers is the probe of servers that all answer.
type answers struct{}

func (answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}
