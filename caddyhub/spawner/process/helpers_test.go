//go:build unix

package process

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/spawnertest"
)

// keeper is a hub that keeps states in memory.
type keeper struct{ states []json.RawMessage }

func (k *keeper) Save(_ context.Context, state json.RawMessage) error {
	k.states = append(k.states, state)
	return nil
}

func (k *keeper) Progress(spawner.Progress) {}

func request(user, server string) spawner.Request {
	return spawner.Request{
		User: user, Server: server, SpawnID: spawner.NewSpawnID(), Prefix: "/user/" + spawner.SafeName(user) + "/",
		Environment: map[string]string{spawnertest.Variable: string(spawnertest.Obedient)},
	}
}

// shell makes options whose server is a line of shell.
func shell(t *testing.T, line string) Options {
	t.Helper()
	o := options(t)
	o.Command = []string{"/bin/sh", "-c", line}
	return o
}

// begin starts a server that the test's end kills.
func begin(t *testing.T, s *Spawner, request spawner.Request) (spawner.Ref, state) {
	t.Helper()
	started, err := s.Start(t.Context(), request, &keeper{})
	if err != nil {
		t.Fatal(err)
	}
	ref := request.Ref(started.State)
	t.Cleanup(func() {
		if err := s.Stop(context.Background(), ref, true); err != nil {
			t.Error(err)
		}
	})
	known, err := readState(started.State)
	if err != nil {
		t.Fatal(err)
	}
	return ref, known
}

// with returns the reference with another state.
func with(t *testing.T, ref spawner.Ref, known state) spawner.Ref {
	t.Helper()
	data, err := json.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	ref.State = data
	return ref
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// logged waits until a server's log holds a text, and returns the log.
func logged(t *testing.T, known state, text string) string {
	t.Helper()
	var content string
	eventually(t, text+" in the log", func() bool {
		data, err := os.ReadFile(known.Log)
		content = string(data)
		return err == nil && strings.Contains(content, text)
	})
	return content
}

func running(t *testing.T, s *Spawner, ref spawner.Ref) bool {
	t.Helper()
	status, err := s.Poll(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return status.Running
}

func makePipe(name string) error { return syscall.Mkfifo(name, 0o600) }
