package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// TestRefusals holds Start and Stop to JupyterHub's table of outcomes.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob", "carol")
		n := h.node("east", func(s *Settings) {
			s.Named.LimitPerUser = 1
			s.Hooks.Refresh = func(_ context.Context, user identity.User) error {
				if user.Name == "carol" {
					return AuthExpired(user.Name)
				}
				return nil
			}
		})
		n.spawner.finish = make(chan struct{})
		h.start(n, "bob", "slow")
		synctest.Wait()
		close(n.spawner.finish)
		h.wait(n, "bob", "slow")
		n.spawner.change(func(s *script) { s.begin, s.finish = make(chan struct{}), nil })
		h.start(n, "bob", "")
		n.spawner.opened.Do(func() {})
		h.ready0(n, "ada", "")
		synctest.Wait()

		start := func(user, name, options string) func() error {
			return func() error { return n.Start(t.Context(), user, name, json.RawMessage(options)) }
		}
		stop := func(user, name string, remove bool) func() error {
			return func() error { _, err := n.Stop(t.Context(), user, name, remove); return err }
		}
		for _, test := range []struct {
			name    string
			call    func() error
			kind    error
			status  int
			message string
		}{
			{"no such user", start("nobody", "", ""), ErrUser, 404, "No such user: nobody"},
			{"login expired", start("carol", "", ""), ErrAuthExpired, 403, "auth has expired for carol, login again"},
			{"running", start("bob", "slow", ""), ErrRunning, 400, "bob:slow is already running"},
			{"pending", start("bob", "", ""), ErrPending, 400, "bob is pending spawn"},
			{"slash", start("ada", "a/b", ""), ErrName, 400, "Invalid server_name (may not contain '/'): a/b"},
			{"dots", start("ada", "..", ""), ErrName, 400, "Invalid server_name: .."},
			{"control", start("ada", "a\x00b", ""), ErrName, 400, "Invalid server_name: a\x00b"},
			{"long", start("ada", strings.Repeat("a", 300), ""), ErrName, 400, "Invalid server_name: " + strings.Repeat("a", 300)},
			{"named limit", start("bob", "second", ""), ErrNamedLimit, 400,
				"User bob already has the maximum of 1 named servers.  One must be deleted before a new server can be created"},
			{"options list", start("ada", "", "[1]"), ErrOptions, 400, "Invalid user options"},
			{"options broken", start("ada", "", `{"a":`), ErrOptions, 400, "Invalid user options"},
			{"options huge", start("ada", "", `{"a":"`+strings.Repeat("x", maxOptions)+`"}`), ErrOptions, 400, "Invalid user options"},
			{"stop nobody's", stop("nobody", "", false), ErrUser, 404, "No such user: nobody"},
			{"stop unknown", stop("ada", "none", false), ErrNotFound, 404, "ada has no server named 'none'"},
			{"remove the default server", stop("ada", "", true), ErrDefaultServer, 400, "Cannot delete the default server"},
		} {
			err := test.call()
			var refusal *Error
			if !errors.Is(err, test.kind) || !errors.As(err, &refusal) {
				t.Errorf("%s: %v, want %v", test.name, err, test.kind)
				continue
			}
			if refusal.Status != test.status || refusal.Message != test.message {
				t.Errorf("%s: %d %q, want %d %q", test.name, refusal.Status, refusal.Message, test.status, test.message)
			}
		}

		settings := *n.settings.Load()
		settings.Named.Enabled = false
		if err := n.Reconfigure(settings); err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]func() error{
			"start": start("ada", "lab", ""), "stop": stop("bob", "slow", false),
		} {
			if err := call(); !errors.Is(err, ErrNamedDisabled) || err.Error() != "Named servers are not enabled." {
				t.Errorf("%s while named servers are off: %v", name, err)
			}
		}
		close(n.spawner.begin)
		h.wait(n, "bob", "")
	})
}

// ready0 has a start of another user go through a spawner that is held.
func (h *hub) ready0(n *node, user, name string) {
	h.t.Helper()
	synctest.Wait()
	gate := n.spawner.begin
	n.spawner.change(func(s *script) { s.begin = nil })
	h.ready(n, user, name)
	n.spawner.change(func(s *script) { s.begin = gate })
}

func TestLimitOfSpawns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { testLimitOfSpawns(t, newHub(t)) })
}

// testLimitOfSpawns asks two nodes for many more starts than allowed at once.
func testLimitOfSpawns(t *testing.T, h *hub) {
	const limit, wanted = 10, 64
	change := func(s *Settings) { s.Limits.ConcurrentSpawns = limit }
	nodes := []*node{h.node("east", change), h.node("west", change)}
	for _, n := range nodes {
		n.spawner.finish = make(chan struct{})
	}
	var names []string
	for i := range wanted {
		names = append(names, fmt.Sprint("user", i))
		if _, err := h.directory.CreateUser(t.Context(), names[i], false); err != nil {
			t.Fatal(err)
		}
	}
	var accepted atomic.Int64
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() {
			err := nodes[i%2].Start(t.Context(), name, "", nil)
			var refusal *Error
			switch {
			case err == nil:
				accepted.Add(1)
			case !errors.As(err, &refusal), refusal.Kind != ErrSpawnLimit, refusal.Status != 429,
				refusal.RetryAfter < 30*time.Second, refusal.RetryAfter > time.Minute,
				!strings.HasPrefix(refusal.Message, "Too many users trying to log in right now. Try again in "):
				t.Errorf("refusal: %#v", err)
			}
		})
	}
	asking.Wait()
	if accepted.Load() != limit || h.count("server_pending") != limit {
		t.Errorf("%d starts accepted, %d pending, want exactly %d", accepted.Load(), h.count("server_pending"), limit)
	}
	for _, n := range nodes {
		n.spawner.unblock()
	}
	for _, name := range names {
		h.wait(nodes[0], name, "")
	}
	if pending, ready := h.count("server_pending"), h.count("server_active"); pending != 0 || ready != limit {
		t.Errorf("%d pending and %d active at the end", pending, ready)
	}
}

func TestLimitOfActiveServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob", "carol")
		n := h.node("east", func(s *Settings) { s.Limits = Limits{ConcurrentSpawns: -1, ActiveServers: 2} })
		h.ready(n, "ada", "")
		h.ready(n, "bob", "")
		err := n.Start(t.Context(), "carol", "", nil)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Kind != ErrActiveLimit || refusal.Status != 429 || refusal.RetryAfter != 0 ||
			refusal.Message != "Active user limit exceeded. Try again in a few minutes." {
			t.Errorf("third server: %#v", err)
		}
		if _, err := n.Stop(t.Context(), "ada", "", false); err != nil {
			t.Fatal(err)
		}
		h.wait(n, "ada", "")
		h.ready(n, "carol", "")
		list, err := n.Active(t.Context(), "", "", 10)
		if err != nil || len(list) != 2 || list[0].User != "bob" || list[1].User != "carol" {
			t.Errorf("active servers: %v, %v", list, err)
		}
		if list, err = n.Active(t.Context(), "bob", "", 10); err != nil || len(list) != 1 || list[0].User != "carol" {
			t.Errorf("the second page: %v, %v", list, err)
		}
	})
}

// TestOneWins asks for the same start, and then the same stop, many times at once.
func TestOneWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { testOneWins(t, newHub(t, "ada")) })
}

func testOneWins(t *testing.T, h *hub) {
	nodes := []*node{h.node("east"), h.node("west")}
	var won, lost atomic.Int64
	var asking sync.WaitGroup
	for i := range 32 {
		asking.Go(func() {
			switch err := nodes[i%2].Start(t.Context(), "ada", "", nil); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrPending), errors.Is(err, ErrRunning):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	asking.Wait()
	s := h.wait(nodes[0], "ada", "")
	starts := nodes[0].spawner.starts.Load() + nodes[1].spawner.starts.Load()
	if won.Load() != 1 || lost.Load() != 31 || starts != 1 || !s.Ready {
		t.Errorf("%d won, %d lost, %d programs started", won.Load(), lost.Load(), starts)
	}
	for i := range 32 {
		asking.Go(func() {
			if _, err := nodes[i%2].Stop(t.Context(), "ada", "", false); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	h.wait(nodes[1], "ada", "")
	if stops := nodes[0].spawner.stops.Load() + nodes[1].spawner.stops.Load(); stops != 1 {
		t.Errorf("stopped %d times", stops)
	}
	h.spotless()
}
