package server

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestProgressOnAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		east, west := h.node("east"), h.node("west")
		east.spawner.finish = make(chan struct{})
		h.start(east, "ada", "")
		here, there := make(chan []Event), make(chan []Event)
		go func() { here <- collect(t, east, "ada", "") }()
		go func() { there <- collect(t, west, "ada", "") }()
		time.Sleep(time.Second)
		east.spawner.unblock()
		a, b := <-here, <-there
		if len(a) != 5 || !slices.Equal(a, b) || !b[4].Ready {
			t.Errorf("here  %+v\nthere %+v", a, b)
		}
	})
}

func TestCallOffFromAnotherNode(t *testing.T) {
	for name, hold := range map[string]func(*script){
		"before anything runs": func(s *script) { s.begin = make(chan struct{}) },
		"in the spawner":       func(s *script) { s.finish = make(chan struct{}) },
		"in the probe":         func(s *script) { s.status = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "ada")
				east, west := h.node("east"), h.node("west")
				hold(&east.spawner.script)
				h.start(east, "ada", "lab")
				progress := make(chan []Event)
				go func() { progress <- collect(t, west, "ada", "lab") }()
				time.Sleep(time.Second)

				asked := time.Now()
				if done, err := west.Stop(t.Context(), "ada", "lab", true); done || err != nil {
					t.Fatalf("stop = %v, %v", done, err)
				}
				if _, err := west.Wait(t.Context(), "ada", "lab", time.Minute); !errors.Is(err, ErrNotFound) {
					t.Errorf("afterwards: %v", err)
				}
				if took := time.Since(asked); took > time.Second {
					t.Errorf("it took %v", took)
				}
				events := <-progress
				if last := events[len(events)-1]; !last.Failed || last.Message != "Spawn cancelled" {
					t.Errorf("last event: %+v", last)
				}
				if h.platform.alive("ada") != 0 {
					t.Error("the program still runs")
				}
				h.spotless()
			})
		})
	}
}

// TestTakeOver kills a node in the middle of a start; another one finishes it.
func TestTakeOver(t *testing.T) {
	for _, test := range []struct {
		name  string
		hold  func(*script)
		ready bool
	}{
		{"nothing had begun", func(s *script) { s.begin = make(chan struct{}) }, false},
		{"the program was running", func(s *script) { s.finish = make(chan struct{}) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "ada")
				east, west := h.node("east"), h.node("west")
				test.hold(&east.spawner.script)
				h.start(east, "ada", "")
				time.Sleep(time.Second)
				killed := time.Now()
				east.kill()

				s := h.wait(west, "ada", "")
				if took := time.Since(killed); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
				if s.Ready != test.ready || (s.Failure != nil) == test.ready {
					t.Fatalf("server = %+v, %+v", s, s.Failure)
				}
				if test.ready {
					if got := h.routed(s.Route); got != s.URL || h.platform.alive("ada") != 1 {
						t.Errorf("routed to %q, %d programs", got, h.platform.alive("ada"))
					}
					return
				}
				if want := "The hub was restarted while the server was being started. Please start it again."; s.Failure.Message != want {
					t.Errorf("failure %q", s.Failure.Message)
				}
				h.spotless()
			})
		})
	}
}

// TestSuccessor kills a hub with servers in every state and starts it anew on
// the same machine: it does not wait for leases to run out.
func TestSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob", "carol", "dan", "eve")
		first := h.node("east")
		for _, user := range []string{"ada", "bob", "carol", "dan"} {
			h.ready(first, user, "")
		}
		first.spawner.finish = make(chan struct{})
		h.start(first, "eve", "")
		time.Sleep(time.Second)
		first.kill()
		h.platform.set("bob", func(p *program) { p.running, p.code = false, 1 })
		h.platform.set("carol", func(p *program) { p.status = 0 })
		h.platform.set("dan", func(p *program) { p.status = 0 })

		second := h.node("east")
		synctest.Wait()
		if s, err := second.Get(t.Context(), "ada", ""); err != nil || !s.Ready || h.routed(s.Route) == "" {
			t.Errorf("a server that lives is %+v, %v", s, err)
		}
		if s, err := second.Get(t.Context(), "carol", ""); err != nil || s.Pending != PendingCheck || h.routed(s.Route) == "" {
			t.Errorf("a server that does not answer is %+v, %v", s, err)
		}
		h.platform.set("dan", func(p *program) { p.status = 200 })
		began := time.Now()
		if s := h.wait(second, "eve", ""); !s.Ready || time.Since(began) > time.Second {
			t.Errorf("the start that was under way: %+v after %v", s, time.Since(began))
		}
		if s := h.wait(second, "bob", ""); s.Active() || h.routed(s.Route) != "" {
			t.Errorf("a server that has ended: %+v", s)
		}
		if s := h.wait(second, "dan", ""); !s.Ready || time.Since(began) > 5*time.Second {
			t.Errorf("a server that was slow to answer: %+v", s)
		}
		if s := h.wait(second, "carol", ""); s.Active() || h.routed(s.Route) != "" || h.platform.alive("carol") != 0 {
			t.Errorf("a server that hangs: %+v", s)
		}
	})
}

func TestStopOfServerOnAnotherMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		east, west := h.node("east"), h.node("west")
		east.spawner.pinned, west.spawner.pinned = true, true
		h.ready(east, "ada", "")
		if _, err := west.Stop(t.Context(), "ada", "", false); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		h.wait(west, "ada", "")
		if took := time.Since(asked); took > time.Second || h.platform.alive("ada") != 0 {
			t.Errorf("after %v %d programs are alive", took, h.platform.alive("ada"))
		}
		h.spotless()
	})
}

// TestMachineLost gives up what only a machine could do that does not come back.
func TestMachineLost(t *testing.T) {
	for _, user := range []string{"starting", "ready"} {
		t.Run(user, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, user)
				east, west := h.node("east"), h.node("west")
				east.spawner.pinned, west.spawner.pinned = true, true
				if user == "starting" {
					east.spawner.finish = make(chan struct{})
					h.start(east, user, "")
				} else {
					h.ready(east, user, "")
				}
				time.Sleep(time.Second)
				east.kill()
				lost := time.Now()
				if user == "ready" {
					time.Sleep(2 * time.Minute)
					if s, err := west.Get(t.Context(), user, ""); err != nil || !s.Ready {
						t.Errorf("a server that nobody can judge is %+v, %v", s, err)
					}
					if _, err := west.Stop(t.Context(), user, "", false); err != nil {
						t.Fatal(err)
					}
				}
				s := h.wait(west, user, "")
				if took := time.Since(lost); took < 5*time.Minute-2*time.Second || took > 8*time.Minute {
					t.Errorf("given up after %v", took)
				}
				if (user == "starting") != (s.Failure != nil) || s.Active() {
					t.Errorf("server = %+v, %+v", s, s.Failure)
				}
				h.spotless()
			})
		})
	}
}

// TestLongStart keeps the lease of a start that takes longer than the lease.
func TestLongStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		east, west := h.node("east"), h.node("west")
		east.spawner.finish = make(chan struct{})
		h.start(east, "ada", "")
		time.Sleep(55 * time.Second)
		east.spawner.unblock()
		if s := h.wait(west, "ada", ""); !s.Ready || s.Fence != 1 || s.Node != "east" {
			t.Errorf("server = %+v", s)
		}
	})
}

// TestFence lets a worker go on whose operation was taken from it meanwhile,
// with a spawner that hears of it and with one that does not.
func TestFence(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, "ada")
			east, west := h.node("east"), h.node("west")
			east.spawner.begin, east.spawner.deaf = make(chan struct{}), deaf
			h.start(east, "ada", "")
			synctest.Wait()

			// East does not reach the store for a while; its lease runs out.
			east.mortal.away.Store(true)
			time.Sleep(30 * time.Second)
			if old := h.wait(west, "ada", ""); old.Failure == nil {
				t.Fatal("the start was not given up")
			}
			east.mortal.away.Store(false)
			s := h.ready(west, "ada", "")
			time.Sleep(time.Second)
			if working := east.runs(s.id()) != nil; working != deaf {
				t.Errorf("the old worker is at work: %v", working)
			}

			east.spawner.unblock()
			time.Sleep(20 * time.Second)
			if now, err := west.Get(t.Context(), "ada", ""); err != nil || now.SpawnID != s.SpawnID || !now.Ready || now.URL != s.URL {
				t.Errorf("the old worker has changed the server: %+v, %v", now, err)
			}
			if got := h.routed(s.Route); got != s.URL || h.platform.alive("ada") != 1 || east.runs(s.id()) != nil {
				t.Errorf("routed to %q, %d programs run", got, h.platform.alive("ada"))
			}
		})
	}
}

// TestAbandon leaves nothing running that nobody knows of, and nothing else dead.
func TestAbandon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		s := h.ready(n, "ada", "")
		n.abandon(n.operation(s, "secret"))
		if h.platform.alive("ada") != 1 {
			t.Error("a server that another owner has made ready was stopped")
		}
		orphan := n.operation(Server{User: "ada", SpawnID: "orphan"}, "secret")
		h.platform.run("east", spawner.Request{User: "ada", SpawnID: "orphan"}, 200)
		n.abandon(orphan)
		if h.platform.alive("ada") != 1 || h.platform.programs["orphan"].running {
			t.Error("what a lost start has left behind runs")
		}
	})
}

// TestFenceOfEveryWrite tries each write of a worker with a fence of the past.
func TestFenceOfEveryWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		s := h.ready(n, "ada", "")
		op := n.operation(s, "secret")
		op.fence--
		before := dump(h)
		op.reports.add(Event{Message: "late"})
		op.reports.flush()
		for name, write := range map[string]func() error{
			"save": func() error {
				op.spawnID = "another"
				return events{n.Manager, op}.Save(t.Context(), json.RawMessage(`{}`))
			},
			"located":  func() error { _, err := n.located(op, s, spawner.Started{URL: "http://10.0.0.9:1"}); return err },
			"ready":    func() error { return n.ready(op) },
			"fail":     func() error { return n.fail(op, s, errors.New("late")) },
			"clear":    func() error { return n.change(op, n.clear) },
			"handOver": func() error { _, err := n.handOver(op); return err },
		} {
			if err := write(); !errors.Is(err, errLost) {
				t.Errorf("%s by an old worker: %v", name, err)
			}
		}
		n.release(op)
		op.reports.close()
		if after := dump(h); after != before {
			t.Errorf("an old worker wrote:\n%s\nwas:\n%s", after, before)
		}
	})
}

// dump is all that the store has about servers.
func dump(h *hub) (all string) {
	h.view(func(r store.Reader) error {
		for _, kind := range []string{KindServer, kindProgress, kindLease, "server_pending", "server_active", "route", "token", "oauth_client"} {
			records, err := r.List(kind, store.Page{})
			if err != nil {
				return err
			}
			for _, record := range records {
				all += record.Key.Kind + " " + record.Key.ID + " " + string(record.Value) + "\n"
			}
		}
		return nil
	})
	return all
}

// TestClose ends a node gracefully in the middle of starts.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob", "carol")
		east, west := h.node("east"), h.node("west")
		h.ready(east, "carol", "")
		east.spawner.status = -1
		h.start(east, "ada", "")
		time.Sleep(time.Second)
		east.spawner.change(func(s *script) { s.finish, s.status = make(chan struct{}), 0 })
		h.start(east, "bob", "")
		time.Sleep(time.Second)
		h.platform.set("ada", func(p *program) { p.status = 200 })
		go func() {
			time.Sleep(20 * time.Second)
			if s, err := west.Get(context.Background(), "bob", ""); err != nil || s.Pending != PendingSpawn || s.Fence != 1 {
				t.Errorf("a start that the closing node waits for was taken over: %+v, %v", s, err)
			}
			east.spawner.unblock()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := east.Close(ctx); err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("close: %v after %v", err, time.Since(began))
		}
		if err := east.Start(t.Context(), "carol", "", nil); !errors.Is(err, ErrClosed) && !errors.Is(err, ErrRunning) {
			t.Errorf("start on a closed node: %v", err)
		}
		for _, user := range []string{"ada", "bob", "carol"} {
			if s := h.wait(west, user, ""); !s.Ready || h.platform.alive(user) != 1 {
				t.Errorf("%s's server: %+v %+v", user, s, s.Failure)
			}
		}
		if east.spawner.stops.Load() != 0 {
			t.Error("a server was stopped")
		}
	})
}

// TestCallOffAtTheLastMoment stops a server between its answer and the commit
// that would make it ready.
func TestCallOffAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		wish, err := n.newRequest("ada", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var s Server
		err = h.store.Update(t.Context(), func(w store.Writer) error {
			if s, err = n.admissible(w, wish); err != nil {
				return err
			}
			return n.record(w, wish, &s, newSecret())
		})
		if err != nil {
			t.Fatal(err)
		}
		op := n.operation(s, "secret")
		if s, err = n.located(op, s, spawner.Started{URL: "http://10.0.0.1:1"}); err != nil {
			t.Fatal(err)
		}
		if done, err := n.Stop(t.Context(), "ada", "", false); done || err != nil {
			t.Fatalf("stop = %v, %v", done, err)
		}
		if err := n.ready(op); err != nil {
			t.Fatal(err)
		}
		if now, err := n.Get(t.Context(), "ada", ""); err != nil || now.Ready || now.Pending != PendingStop || h.routed(s.Route) != "" {
			t.Errorf("server = %+v, %v", now, err)
		}
		n.begin(op)
		if now := h.wait(n, "ada", ""); !now.Failure.Cancelled() {
			t.Errorf("failure = %+v", now.Failure)
		}
		h.spotless()
	})
}
