package server

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestServerEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		var polls [2]atomic.Int64
		var nodes []*node
		for i, machine := range []string{"east", "west"} {
			nodes = append(nodes, h.node(machine, func(s *Settings) {
				s.Hooks.Polled = func(bool, time.Duration) { polls[i].Add(1) }
			}))
		}
		s := h.ready(nodes[0], "ada", "")
		time.Sleep(5 * time.Minute)
		if mine, others := polls[0].Load(), polls[1].Load(); mine < 8 || mine > 12 || others != 0 {
			t.Errorf("in five minutes polled %d times by the node that started it and %d times by another", mine, others)
		}
		h.platform.set("ada", func(p *program) { p.running = false })
		time.Sleep(34 * time.Second)
		if now, err := nodes[1].Get(t.Context(), "ada", ""); err != nil || now.Active() || now.Failure != nil {
			t.Errorf("server = %+v, %v", now, err)
		}
		if got := h.routed(s.Route); got != "" {
			t.Errorf("still routed to %s", got)
		}
		h.spotless()
	})
}

func TestStartLooksWhetherItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		first := h.ready(n, "ada", "")
		if s, err := n.Check(t.Context(), "ada", ""); err != nil || !s.Ready {
			t.Errorf("check = %+v, %v", s, err)
		}
		if err := n.Start(t.Context(), "ada", "", nil); !errors.Is(err, ErrRunning) {
			t.Errorf("start of a running server: %v", err)
		}
		h.platform.set("ada", func(p *program) { p.running = false })
		if second := h.ready(n, "ada", ""); second.SpawnID == first.SpawnID {
			t.Error("the server that had ended was not started again")
		}
	})
}

func TestServerWithoutUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		h.ready(n, "ada", "")
		if err := h.directory.DeleteUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if h.platform.alive("ada") != 0 || h.count(KindServer) != 0 {
			t.Errorf("%d programs and %d records of a user who is gone", h.platform.alive("ada"), h.count(KindServer))
		}
		h.spotless()
	})
}

// TestNamesake starts a server for a user whose name somebody else had before.
func TestNamesake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		if err := n.Start(t.Context(), "ada", "lab", []byte(`{"secret":1}`)); err != nil {
			t.Fatal(err)
		}
		h.wait(n, "ada", "lab")
		if _, err := n.Stop(t.Context(), "ada", "lab", false); err != nil {
			t.Fatal(err)
		}
		h.wait(n, "ada", "lab")
		if err := h.directory.DeleteUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.directory.CreateUser(t.Context(), "ada", false); err != nil {
			t.Fatal(err)
		}
		if list, err := n.List(t.Context(), "ada"); err != nil || len(list) != 0 {
			t.Errorf("a new user has servers: %+v, %v", list, err)
		}
		if _, err := n.Get(t.Context(), "ada", "lab"); !errors.Is(err, ErrNotFound) {
			t.Errorf("the server of the earlier user: %v", err)
		}
		if s := h.ready(n, "ada", "lab"); s.UserOptions != nil || s.UserNumber != 2 {
			t.Errorf("server = %+v", s)
		}
	})
}

func TestResponsible(t *testing.T) {
	here := &Manager{self: holder{Node: "east", Instance: "1"}}
	twin := holder{Node: "east", Instance: "2"}
	far := holder{Node: "west", Instance: "3"}
	count := func(node string, alive ...holder) (mine int) {
		for i := range 1000 {
			if here.responsible(Server{Node: node, SpawnID: string(rune('a'+i%26)) + time.Duration(i).String()}, alive) {
				mine++
			}
		}
		return mine
	}
	if got := count("east", here.self, far); got != 1000 {
		t.Errorf("of its own servers the node polls %d", got)
	}
	if got := count("west", here.self, far); got != 0 {
		t.Errorf("of another's servers the node polls %d", got)
	}
	for _, got := range []int{count("east", here.self, twin), count("gone", here.self, far)} {
		if got < 350 || got > 650 {
			t.Errorf("of shared servers the node polls %d", got)
		}
	}
}

func TestActivityOfStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		later := time.Now().Add(30 * time.Minute).UTC()
		err := h.store.Update(t.Context(), func(w store.Writer) error {
			return h.directory.Activity().Set(w, identity.ActivityOfServer("ada", ""), later)
		})
		if err != nil {
			t.Fatal(err)
		}
		h.ready(n, "ada", "")
		err = n.store.View(t.Context(), func(r store.Reader) error {
			last, err := n.LastActivity(r, "ada", "")
			if !last.Equal(later) {
				t.Errorf("activity went back to %v", last)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
