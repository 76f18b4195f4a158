package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// applied notes which routes were to be shown at once.
type applied struct {
	mu    sync.Mutex
	specs []string
}

func (a *applied) Apply(_ context.Context, specs ...route.Spec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, spec := range specs {
		a.specs = append(a.specs, spec.String())
	}
	return nil
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		var (
			mu   sync.Mutex
			told []string
		)
		tell := func(words ...any) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(words...))
		}
		var polls atomic.Int64 // how often a server is looked at is nobody's affair
		n := h.node("east", func(s *Settings) {
			s.Hooks = Hooks{
				PreSpawn: func(_ context.Context, user identity.User, request *spawner.Request) error {
					tell("before " + user.Name)
					request.Environment["EXTRA"] = "yes"
					return nil
				},
				PostStop: func(_ context.Context, server Server) error {
					tell("after " + server.FullName())
					return errors.New("not that it matters")
				},
				Spawned: func(server Server, took time.Duration, reason spawner.Reason) {
					tell("spawned " + server.FullName() + " " + took.String() + string(reason))
				},
				Stopped: func(server Server, _ time.Duration, err error) {
					tell("stopped ", server.FullName(), " ", err)
				},
				Refused: func(user, name string, _ time.Duration, err error) {
					tell("refused ", user, "/", name, " ", errors.Is(err, ErrRunning))
				},
				RouteAdded:   func(_ time.Duration, err error) { tell("route ", err) },
				RouteDeleted: func(_ time.Duration, err error) { tell("no route ", err) },
				Initialized:  func(time.Duration) { tell("initialized") },
				Polled: func(running bool, _ time.Duration) {
					if running {
						polls.Add(1)
					}
				},
			}
		})
		synctest.Wait() // the first look at all servers is over
		routes := &applied{}
		n.routes = routes
		h.ready(n, "ada", "")
		synctest.Wait() // a hook is told after what it is told of
		h.platform.set("ada", func(p *program) {
			if p.request.Environment["EXTRA"] != "yes" {
				t.Error("what the hook added is missing")
			}
		})
		if len(routes.specs) == 0 || slices.ContainsFunc(routes.specs, func(spec string) bool { return spec != "/user/ada/" }) {
			t.Errorf("routes shown: %q", routes.specs)
		}
		before := polls.Load()
		if _, err := n.Check(t.Context(), "ada", ""); err != nil || polls.Load() == before {
			t.Errorf("looked at %d times before and %d after: %v", before, polls.Load(), err)
		}
		if err := n.Start(t.Context(), "ada", "", nil); !errors.Is(err, ErrRunning) {
			t.Error(err)
		}
		if _, err := n.Stop(t.Context(), "ada", "", false); err != nil {
			t.Error(err)
		}
		h.wait(n, "ada", "")
		synctest.Wait()
		// The route goes at once, while the server is stopping.
		gone := slices.Index(told, "no route <nil>")
		if gone < 5 {
			t.Fatalf("hooks: %q", told)
		}
		told = slices.Delete(told, gone, gone+1)
		want := []string{
			"initialized", "before ada", "route <nil>", "spawned ada/ 0s", "refused ada/ true", "after ada/", "stopped ada/ <nil>",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("hooks (-want +got):\n%s", diff)
		}
	})
}

func TestTokenScopes(t *testing.T) {
	for _, test := range []struct{ configured, want []string }{
		{[]string{"inherit"}, []string{"inherit"}},
		{[]string{"users:activity!user", "shares!user"}, []string{"users:activity!user", "shares!user"}},
		{[]string{"shares!user"}, []string{"shares!user", "users:activity!user"}},
		{[]string{}, []string{"users:activity!user"}},
	} {
		got, err := tokenScopes(nil, test.configured)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q (-want +got):\n%s%v", test.configured, diff, err)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	h := newHub(t)
	n := h.node("east")
	for name, settings := range map[string]Settings{
		"no spawner":         {},
		"public URL is none": {Spawner: n.spawner, PublicURL: "hub.example.org"},
	} {
		if err := n.Reconfigure(settings); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Options{Settings: Settings{Spawner: n.spawner}}); err == nil {
		t.Error("a Manager without a store was made")
	}
}

// TestStoreIsAway starts a server across an outage of the store that is longer
// than a lease.
func TestStoreIsAway(t *testing.T) {
	for _, busy := range []time.Duration{time.Second, 50 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, "ada")
			n := h.node("east")
			n.spawner.begin = make(chan struct{})
			h.start(n, "ada", "")
			synctest.Wait()
			n.mortal.away.Store(true)
			time.AfterFunc(busy, n.spawner.unblock)
			time.Sleep(40 * time.Second)
			if err := n.Start(t.Context(), "ada", "", nil); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("start while the store is away: %v", err)
			}
			n.mortal.away.Store(false)
			if s := h.wait(n, "ada", ""); !s.Ready || s.Fence != 1 || h.platform.alive("ada") != 1 || n.spawner.starts.Load() != 1 {
				t.Errorf("server = %+v, %+v", s, s.Failure)
			}
		})
	}
}

// bare is a spawner without the optional powers.
type bare struct{ spawner.Spawner }

func TestTakeOverWithoutRecoverer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob")
		var nodes []*node
		for range 2 {
			nodes = append(nodes, h.node("east", func(s *Settings) { s.Spawner = bare{s.Spawner} }))
		}
		east, west := nodes[0], nodes[1]
		east.spawner.finish = make(chan struct{})
		h.start(east, "ada", "")
		synctest.Wait()
		east.spawner.change(func(s *script) { s.finish, s.status = nil, -1 })
		h.start(east, "bob", "")
		time.Sleep(time.Second)
		east.kill()
		h.platform.set("bob", func(p *program) { p.status = 200 })
		if s := h.wait(west, "ada", ""); s.Failure == nil || h.platform.alive("ada") != 0 {
			t.Errorf("a start without an address: %+v", s)
		}
		if s := h.wait(west, "bob", ""); !s.Ready {
			t.Errorf("a start whose address is known: %+v, %+v", s, s.Failure)
		}
	})
}
