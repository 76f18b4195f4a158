//go:build unix

package process

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// hubVariable makes the test's binary a hub that starts one server, with the
// request in the variable, tells every state on its output and then waits to be
// killed. With waitIn n > 0 it waits inside the nth Save.
const hubVariable = "CADDYHUB_TEST_HUB"

type hubOrder struct {
	Options Options
	Request spawner.Request
	WaitIn  int
}

type hubStates struct{ saves, waitIn int }

func (h *hubStates) Progress(spawner.Progress) {}

func (h *hubStates) Save(_ context.Context, state json.RawMessage) error {
	h.saves++
	fmt.Println(string(state))
	if h.saves == h.waitIn {
		fmt.Println("waiting")
		select {}
	}
	return nil
}

func hubThatDies() {
	text := os.Getenv(hubVariable)
	if text == "" {
		return
	}
	var order hubOrder
	err := json.Unmarshal([]byte(text), &order)
	if err == nil {
		var hub *Spawner
		if hub, err = New(order.Options); err == nil {
			_, err = hub.Start(context.Background(), order.Request, &hubStates{waitIn: order.WaitIn})
		}
	}
	fmt.Println("waiting", err)
	select {}
}

// A hub is killed with kill -9, after a start and in the middle of one. The
// server goes on, as nobody's child, and the next hub finds and stops it.
func TestHubKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finding servers by their spawn needs /proc")
	}
	for _, test := range []struct {
		name    string
		waitIn  int
		forget  bool
		started bool
	}{
		{name: "after the start", started: true},
		{name: "before the process id was kept", waitIn: 2, forget: true, started: true},
		{name: "before the process existed", waitIn: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			order := hubOrder{Options: options(t), Request: request("ada", ""), WaitIn: test.waitIn}
			states := killedHub(t, order)
			last := states[len(states)-1]
			if test.forget {
				last = states[0]
			}
			s, ref := newSpawner(t, order.Options), order.Request.Ref(last)
			t.Cleanup(func() { _ = s.Stop(context.Background(), ref, true) })
			if running(t, s, ref) != test.started {
				t.Fatalf("running %v, want %v", !test.started, test.started)
			}
			found, err := s.Recover(t.Context(), ref)
			if (err == nil) != test.started {
				t.Fatalf("Recover: %+v, %v", found, err)
			}
			if !test.started {
				return
			}
			eventually(t, "an answer", func() bool {
				response, err := http.Get(found.URL + order.Request.Prefix + "api")
				if err == nil {
					response.Body.Close()
				}
				return err == nil && response.StatusCode == http.StatusOK
			})
			if err := s.Stop(t.Context(), order.Request.Ref(found.State), false); err != nil {
				t.Fatal(err)
			}
			if running(t, s, ref) {
				t.Error("the server runs after Stop")
			}
		})
	}
}

// killedHub runs a hub until it waits, kills it and returns the states it kept.
func killedHub(t *testing.T, order hubOrder) []json.RawMessage {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	hub := exec.Command(order.Options.Command[0])
	hub.Env = append(os.Environ(), hubVariable+"="+string(text))
	out, err := hub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(); err != nil {
		t.Fatal(err)
	}
	var states []json.RawMessage
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text()[0] == '{'; {
		states = append(states, json.RawMessage(lines.Text()))
	}
	if err := hub.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = hub.Wait()
	if len(states) == 0 {
		t.Fatal("the hub kept no state")
	}
	return states
}
