package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// machines is where the programs of these tests run, on all nodes.
type machines struct {
	mu      sync.Mutex
	running map[string]*program // by node and service
	begun   []string            // node, service, first word of the command
	tokens  []string
	// fails is why programs cannot be started.
	fails error
	// toEnd is how long a program takes to end.
	toEnd time.Duration
	pid   int
}

func (m *machines) start(node string) func(Spec, launch) (*program, error) {
	return func(spec Spec, start launch) (*program, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.begun = append(m.begun, node+" "+spec.Name+" "+spec.Command[0])
		m.tokens = append(m.tokens, start.token)
		if m.fails != nil {
			return nil, m.fails
		}
		m.pid++
		p := &program{ended: make(chan struct{}), process: Process{Node: node, PID: m.pid, StartID: start.id}}
		p.stop = func(context.Context, patience) error {
			select {
			case <-p.ended:
				return nil
			default:
			}
			time.Sleep(m.toEnd)
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.running, node+" "+spec.Name)
			close(p.ended)
			return nil
		}
		m.running[node+" "+spec.Name] = p
		return p, nil
	}
}

// crash ends a program by itself.
func (m *machines) crash(name string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.running[name]
	delete(m.running, name)
	p.err = err
	close(p.ended)
}

func (m *machines) now() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(m.running)), ", ")
}

// take returns what has begun since it was called last.
func (m *machines) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	begun := m.begun
	m.begun = nil
	return begun
}

// cluster is a store, the machines and the log of some supervisors.
type cluster struct {
	t        *testing.T
	store    store.Store
	machines *machines
	log      logged
	issued   atomic.Int64
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &cluster{t: t, store: s, machines: &machines{running: make(map[string]*program)}}
}

func (c *cluster) node(name string) *Supervisor {
	c.t.Helper()
	s, err := New(Options{
		Store: c.store, Node: name, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
		Issue: func(_ context.Context, service string) (string, error) {
			return fmt.Sprintf("issued-%s-%d", service, c.issued.Add(1)), nil
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	s.start = c.machines.start(name)
	return s
}

func (c *cluster) close(s *Supervisor) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		c.t.Error(err)
	}
}

// pid is the process of a service as others find it; 0 if there is none.
func (c *cluster) pid(name string) (pid int) {
	c.t.Helper()
	err := c.store.View(context.Background(), func(r store.Reader) error {
		found, _, err := Find(r, name)
		pid = found.PID
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func specs(list ...string) Plan {
	var plan Plan
	for _, text := range list {
		name, command, _ := strings.Cut(text, " ")
		plan.Run = append(plan.Run, Spec{Name: name, Command: []string{command}})
	}
	return plan
}

// What runs follows the plan; what has not changed is left alone.
func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		s := c.node("east")
		for _, step := range []struct {
			plan  Plan
			begun []string
			now   string
		}{
			{specs("a one", "b one"), []string{"east a one", "east b one"}, "east a, east b"},
			{specs("b one", "a one"), nil, "east a, east b"},
			{specs("a two", "b one"), []string{"east a two"}, "east a, east b"},
			{specs("b one"), nil, "east b"},
			{specs("b one", "a one"), []string{"east a one"}, "east a, east b"},
			{specs(), nil, ""},
		} {
			s.Apply(step.plan)
			after(5 * time.Second)
			begun := c.machines.take()
			slices.Sort(begun)
			if now := c.machines.now(); now != step.now || !slices.Equal(begun, step.begun) {
				t.Errorf("%v: %q run, %q have begun, want %q, %q", step.plan.Run, now, begun, step.now, step.begun)
			}
		}
		s.Apply(specs("a one"))
		after(5 * time.Second)
		if c.pid("a") == 0 {
			t.Error("the process is not noted")
		}
		c.close(s)
		if now := c.machines.now(); now != "" || c.pid("a") != 0 {
			t.Errorf("after the end run %q, noted is process %d", now, c.pid("a"))
		}
		s.Apply(specs("a one"))
		after(5 * time.Second)
		if now := c.machines.now(); now != "" {
			t.Errorf("a supervisor that was closed starts %q", now)
		}
	})
}

// A service is stopped, and has ended, before it is started with another
// configuration, or under the same name again.
func TestChangeWaitsForEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.machines.toEnd = 15 * time.Second
		s := c.node("east")
		s.Apply(specs("a one"))
		after(time.Second)
		s.Apply(specs("a two"))
		s.Apply(specs())
		s.Apply(specs("a three"))
		after(10 * time.Second)
		if begun := c.machines.take(); !slices.Equal(begun, []string{"east a one"}) {
			t.Errorf("begun while the first ends: %q", begun)
		}
		after(10 * time.Second)
		if begun := c.machines.take(); !slices.Equal(begun, []string{"east a three"}) {
			t.Errorf("begun after it: %q", begun)
		}
		c.close(s)
	})
}

// A service that ends is started again, ever later; one that ran for a while at
// once. A new configuration does not wait for the pause.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		s := c.node("east")
		s.Apply(specs("a one"))
		after(0)
		var pauses []time.Duration
		for range 9 {
			c.machines.take()
			c.machines.crash("east a", errors.New("exit status 1"))
			begun := time.Now()
			for len(c.machines.take()) == 0 {
				after(100 * time.Millisecond)
			}
			pauses = append(pauses, time.Since(begun).Truncate(time.Second))
		}
		want := []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9, 60e9}
		if !slices.Equal(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
		after(2 * steady)
		c.machines.crash("east a", nil)
		after(firstPause + time.Second)
		if now := c.machines.now(); now != "east a" {
			t.Errorf("after a steady run: %q", now)
		}
		for range 5 {
			c.machines.crash("east a", errors.New("exit status 1"))
			after(40 * time.Second)
		}
		c.machines.crash("east a", errors.New("exit status 1"))
		after(0)
		c.machines.take()
		s.Apply(specs("a two"))
		after(0)
		if begun := c.machines.take(); !slices.Equal(begun, []string{"east a two"}) {
			t.Errorf("a new configuration in the pause: %q", begun)
		}
		c.close(s)
		if text := c.log.String(); !strings.Contains(text, "exit status 1") || !strings.Contains(text, "will be started again") {
			t.Errorf("the log does not tell: %s", text)
		}
	})
}

// A program that cannot be started is tried again, and found when it is there.
func TestCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.machines.fails = errors.New("no such program")
		s := c.node("east")
		s.Apply(specs("a one"))
		after(10 * time.Second)
		if begun := len(c.machines.take()); begun != 4 {
			t.Errorf("tried %d times", begun)
		}
		c.machines.mu.Lock()
		c.machines.fails = nil
		c.machines.mu.Unlock()
		after(longestPause)
		if now := c.machines.now(); now != "east a" {
			t.Errorf("runs: %q", now)
		}
		c.close(s)
	})
}

// Each start has a token of its own unless one is configured.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		s := c.node("east")
		plan := specs("a one")
		s.Apply(plan)
		after(0)
		c.machines.crash("east a", nil)
		after(5 * time.Second)
		plan.Run[0].Token = "configured"
		s.Apply(Plan{Run: slices.Clone(plan.Run)})
		after(0)
		if want := []string{"issued-a-1", "issued-a-2", "configured"}; !slices.Equal(c.machines.tokens, want) {
			t.Errorf("tokens %q, want %q", c.machines.tokens, want)
		}
		c.close(s)
	})
}

// One node runs a service; another takes it over when that one ends.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.machines.toEnd = 5 * time.Second
		east, west := c.node("east"), c.node("west")
		east.Apply(specs("a one"))
		after(0)
		west.Apply(specs("a one"))
		after(5 * time.Minute)
		if now := c.machines.now(); now != "east a" {
			t.Fatalf("runs: %q", now)
		}
		go c.close(east)
		after(4 * time.Second)
		if now := c.machines.now(); now != "east a" {
			t.Errorf("while the first node ends: %q", now)
		}
		after(3 * time.Second)
		if now := c.machines.now(); now != "west a" {
			t.Errorf("after it: %q", now)
		}
		c.close(west)
	})
}

func TestIncomplete(t *testing.T) {
	c := newCluster(t)
	issue := func(context.Context, string) (string, error) { return "", nil }
	for _, options := range []Options{
		{Node: "a", Issue: issue}, {Store: c.store, Issue: issue}, {Store: c.store, Node: "a"},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("%+v was taken", options)
		}
	}
}
