package cull

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// TestJudge: the rules, with the culler's own words for them.
func TestJudge(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, test := range map[string]struct {
		settings      Settings
		idle, age, up time.Duration
		kept          bool
		want          string
	}{
		"active":             {Settings{Idle: time.Hour}, time.Minute, 9 * time.Hour, 9 * time.Hour, false, ""},
		"idle":               {Settings{Idle: time.Hour}, time.Hour, 9 * time.Hour, 9 * time.Hour, false, ReasonIdle},
		"idle, kept":         {Settings{Idle: time.Hour}, 2 * time.Hour, 9 * time.Hour, 9 * time.Hour, true, ""},
		"idle is no reason":  {Settings{MaxAge: 24 * time.Hour}, 9 * time.Hour, 9 * time.Hour, 9 * time.Hour, false, ""},
		"too old":            {Settings{Idle: time.Hour, MaxAge: 8 * time.Hour}, 0, 8 * time.Hour, time.Second, false, ReasonAge},
		"too old, kept":      {Settings{MaxAge: 8 * time.Hour}, 0, 9 * time.Hour, time.Second, true, ReasonAge},
		"hub has just begun": {Settings{Idle: time.Hour}, 2 * time.Hour, 9 * time.Hour, Grace - 1, false, ""},
		"hub is up":          {Settings{Idle: time.Hour}, 2 * time.Hour, 9 * time.Hour, Grace, false, ReasonIdle},
		"short times":        {Settings{Idle: time.Second}, time.Second, time.Minute, time.Second, false, ReasonIdle},
	} {
		what := subject{idle: ago(test.idle), born: ago(test.age), kept: test.kept}
		if got := test.settings.judge(what, now, ago(test.up)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		interval time.Duration
		at       int
	}{
		"idle":       {Settings{Idle: time.Hour, MaxAge: time.Minute}, 30 * time.Minute, 10},
		"age":        {Settings{MaxAge: time.Hour}, 30 * time.Minute, 10},
		"own":        {Settings{Idle: time.Hour, Interval: time.Minute, Concurrency: 2}, time.Minute, 2},
		"very short": {Settings{Idle: time.Millisecond, Concurrency: -1}, time.Second, 10},
	} {
		if got := test.settings.interval(); got != test.interval {
			t.Errorf("%s: every %s, want %s", name, got, test.interval)
		}
		if got := test.settings.concurrency(); got != test.at {
			t.Errorf("%s: %d at once, want %d", name, got, test.at)
		}
	}
}

// TestIdle: who works keeps the server, who does not loses it, and what is
// starting is left alone.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob")
		h.start("ada", "")
		h.start("bob", "")
		h.start("bob", "lab")
		if err := h.servers.Start(t.Context(), "bob", "slow", nil); err != nil {
			t.Fatal(err)
		}
		h.cull("east", Settings{Idle: 20 * time.Minute}, nil)
		for range 6 {
			time.Sleep(8 * time.Minute)
			h.touch("ada", "")
		}
		h.expect("ada/ ready, bob/ stopped, bob/lab stopped, bob/slow spawn")
		if got := h.reasons(); got != "server idle, server idle" {
			t.Errorf("culled: %s", got)
		}
		time.Sleep(time.Hour)
		h.expect("ada/ stopped, bob/ stopped, bob/lab stopped, bob/slow spawn")
	})
}

// TestByInteraction: who works keeps the server, and an open tab does not; by
// activity it does, and so does a server that has just started.
func TestByInteraction(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		want     string
	}{
		"interaction": {Settings{Idle: 20 * time.Minute, ByInteraction: true}, "ada/ ready, bob/ stopped, eve/ ready"},
		"activity":    {Settings{Idle: 20 * time.Minute}, "ada/ ready, bob/ ready, eve/ ready"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "ada", "bob", "eve")
				h.start("ada", "")
				h.start("bob", "")
				h.cull("east", test.settings, nil)
				for range 6 {
					time.Sleep(8 * time.Minute)
					h.touch("ada", "")
					h.touch("bob", "")
					h.directory.Activity().Touch(identity.InteractionWithServer("ada", ""), time.Now())
				}
				h.start("eve", "")
				time.Sleep(15 * time.Minute)
				h.expect(test.want)
			})
		})
	}
}

// TestKinds: default servers, named servers and those that are too old.
func TestKinds(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		after    time.Duration
		want     string
	}{
		"removed":       {Settings{Idle: 20 * time.Minute, RemoveNamedServers: true}, time.Hour, "ada/ stopped"},
		"named kept":    {Settings{Idle: 20 * time.Minute, KeepNamedServers: true}, time.Hour, "ada/ stopped, ada/lab ready"},
		"default kept":  {Settings{Idle: 20 * time.Minute, KeepDefaultServers: true}, time.Hour, "ada/ ready, ada/lab stopped"},
		"kept, but old": {Settings{Idle: 20 * time.Minute, MaxAge: 2 * time.Hour, KeepDefaultServers: true}, 130 * time.Minute, "ada/ stopped, ada/lab stopped"},
		"young enough":  {Settings{MaxAge: 2 * time.Hour}, 110 * time.Minute, "ada/ ready, ada/lab ready"},
		"nothing":       {Settings{}, 3 * time.Hour, "ada/ ready, ada/lab ready"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "ada")
				h.start("ada", "")
				h.start("ada", "lab")
				h.cull("east", test.settings, nil)
				time.Sleep(test.after)
				h.expect(test.want)
			})
		})
	}
}

// TestUsers: users go who do not come back, with the servers they had, but
// nobody whose server runs, and no administrator unless that is wished.
func TestUsers(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		want     string
	}{
		"users":       {Settings{Idle: time.Hour, Users: true}, "bob/ ready"},
		"keep admins": {Settings{Idle: time.Hour, Users: true, KeepAdmins: true}, "root, bob/ ready"},
		"too old":     {Settings{MaxAge: time.Hour, Users: true, KeepAdmins: true}, ""},
		"no users":    {Settings{Idle: time.Hour}, "root, bob/ ready, eve, ada/lab stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "root", "bob", "eve", "ada")
				h.start("bob", "")
				h.start("ada", "lab")
				h.cull("east", test.settings, nil)
				for range 15 {
					time.Sleep(5 * time.Minute)
					h.directory.Activity().Touch("server/bob/", time.Now())
				}
				h.expect(test.want)
			})
		})
	}
}

// TestSameAgain: a server that was used while it waited to be culled stays.
func TestSameAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob")
		h.start("ada", "")
		h.start("bob", "")
		time.Sleep(2 * time.Hour)
		c := New(Options{Directory: h.directory, Servers: touching{h.servers, func() { h.touch("bob", "") }}})
		c.since = time.Now().Add(-time.Hour)
		if err := c.pass(t.Context(), Settings{Idle: time.Hour, Concurrency: 1}); err != nil {
			t.Fatal(err)
		}
		h.expect("ada/ stopped, bob/ ready")
	})
}

// touching does something before each stop.
type touching struct {
	*server.Manager
	before func()
}

func (s touching) Stop(ctx context.Context, user, name string, remove bool) (bool, error) {
	s.before()
	return s.Manager.Stop(ctx, user, name, remove)
}

// failing cannot stop the servers of some users.
type failing struct {
	*server.Manager
	user string
}

func (s failing) Stop(ctx context.Context, user, name string, remove bool) (bool, error) {
	if user == s.user {
		return false, errors.New("no")
	}
	return s.Manager.Stop(ctx, user, name, remove)
}

// TestFailure: one server that cannot be stopped does not keep the others.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob", "eve")
		for _, user := range []string{"ada", "bob", "eve"} {
			h.start(user, "")
		}
		h.cull("east", Settings{Idle: 20 * time.Minute, Users: true}, failing{h.servers, "bob"})
		time.Sleep(time.Hour)
		h.expect("bob/ ready")
	})
}

// TestStoreAway: while the store was away nobody could be seen to work, so that
// nobody is idle for it.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		h.start("ada", "")
		c, _ := h.cull("east", Settings{Idle: 20 * time.Minute, Interval: time.Minute}, nil)
		time.Sleep(15 * time.Minute)
		h.store.Away.Store(true)
		time.Sleep(10 * time.Minute)
		c.Blind() // as whoever follows the store tells
		h.store.Away.Store(false)
		time.Sleep(Grace / 2)
		h.expect("ada/ ready")
		time.Sleep(Grace)
		h.expect("ada/ stopped")
	})
}

// TestConfigure: settings change while it runs.
func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		h.start("ada", "")
		c, _ := h.cull("east", Settings{}, nil)
		time.Sleep(time.Hour)
		h.expect("ada/ ready")
		c.Configure(Settings{Idle: 2 * time.Hour})
		c.Configure(Settings{Idle: 20 * time.Minute})
		time.Sleep(time.Minute)
		h.expect("ada/ stopped")
		h.start("ada", "")
		c.Configure(Settings{})
		time.Sleep(time.Hour)
		h.expect("ada/ ready")
	})
}

// counting tells who looks.
type counting struct {
	*server.Manager
	looked func()
}

func (s counting) Active(ctx context.Context, user, name string, limit int) ([]server.Server, error) {
	s.looked()
	return s.Manager.Active(ctx, user, name, limit)
}

// TestNodes: of two nodes one culls, and the other one when that is gone.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		h.start("ada", "")
		looked := map[string]int{}
		count := func(node string) Servers {
			return counting{h.servers, func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				looked[node]++
			}}
		}
		settings := Settings{Idle: time.Hour, Interval: 10 * time.Minute}
		_, end := h.cull("east", settings, count("east"))
		synctest.Wait()
		h.cull("west", settings, count("west"))
		time.Sleep(35 * time.Minute)
		h.mu.Lock()
		if looked["east"] != 4 || looked["west"] != 0 {
			t.Errorf("looked: %v", looked)
		}
		h.mu.Unlock()
		end()
		time.Sleep(35 * time.Minute)
		h.expect("ada/ stopped")
		h.mu.Lock()
		defer h.mu.Unlock()
		if looked["east"] != 4 || looked["west"] < 3 {
			t.Errorf("looked, after one is gone: %v", looked)
		}
	})
}
