package spawnertest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// bench is one test with a hub of its own.
type bench struct {
	*testing.T
	config Config
	hub    spawner.Spawner
}

// request asks for a server of the given behaviour.
func (b *bench) request(user, server string, behaviour Behaviour) spawner.Request {
	prefix := "/user/" + url.PathEscape(user) + "/"
	if server != "" {
		prefix += url.PathEscape(server) + "/"
	}
	return spawner.Request{
		User: user, Server: server, SpawnID: spawner.NewSpawnID(), Prefix: prefix,
		Environment: map[string]string{
			Variable: string(behaviour), "JUPYTERHUB_USER": user, "JUPYTERHUB_SERVICE_PREFIX": prefix,
		},
	}
}

// start starts a server, which the test's end removes, and waits for an answer.
func (b *bench) start(request spawner.Request) (spawner.Started, spawner.Ref) {
	b.Helper()
	started, ref := b.startOnly(request, &record{})
	b.answer(started, request)
	return started, ref
}

func (b *bench) startOnly(request spawner.Request, events *record) (spawner.Started, spawner.Ref) {
	b.Helper()
	started, err := b.hub.Start(b.Context(), request, events)
	if err != nil {
		b.Fatalf("Start: %v", err)
	}
	ref := request.Ref(started.State)
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), b.config.Timeout)
		defer cancel()
		if err := b.hub.Stop(ctx, ref, true); err != nil {
			b.Errorf("Stop at the end: %v", err)
		}
	})
	return started, ref
}

// answer waits until the server answers and returns its environment.
func (b *bench) answer(started spawner.Started, request spawner.Request) map[string]string {
	b.Helper()
	var environment map[string]string
	client := &http.Client{Timeout: 2 * time.Second}
	b.eventually("an answer of the server", func() bool {
		response, err := client.Get(started.URL + request.Prefix + "api")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK && json.NewDecoder(response.Body).Decode(&environment) == nil
	})
	return environment
}

// poll must not fail.
func (b *bench) poll(ref spawner.Ref) spawner.Status {
	b.Helper()
	status, err := b.hub.Poll(b.Context(), ref)
	if err != nil {
		b.Fatalf("Poll: %v", err)
	}
	return status
}

func (b *bench) wantRunning(ref spawner.Ref, want bool) {
	b.Helper()
	if got := b.poll(ref); got.Running != want {
		b.Fatalf("Poll: %+v, want running %v", got, want)
	}
}

// stop must not fail and must leave nothing.
func (b *bench) stop(ref spawner.Ref, now bool) {
	b.Helper()
	if err := b.hub.Stop(b.Context(), ref, now); err != nil {
		b.Fatalf("Stop: %v", err)
	}
	b.wantRunning(ref, false)
	b.wantNothing(ref)
}

// wantNothing checks that nothing is left of a spawn, whatever state is known.
func (b *bench) wantNothing(ref spawner.Ref) {
	b.Helper()
	recoverer, ok := b.hub.(spawner.Recoverer)
	if !ok {
		return
	}
	for _, state := range []json.RawMessage{ref.State, nil} {
		ref.State = state
		if found, err := recoverer.Recover(b.Context(), ref); !errors.Is(err, spawner.ErrNotFound) {
			b.Fatalf("Recover with state %s: %+v, %v, want ErrNotFound", state, found, err)
		}
	}
}

// ends waits for a server that ends by itself.
func (b *bench) ends(ref spawner.Ref) spawner.Status {
	b.Helper()
	var status spawner.Status
	b.eventually("the end of the server", func() bool {
		status = b.poll(ref)
		return !status.Running
	})
	return status
}

// restart makes the test go on with another hub.
func (b *bench) restart() {
	b.Helper()
	b.hub = b.config.New(b.T)
}

func (b *bench) eventually(what string, done func() bool) {
	b.Helper()
	deadline := time.NewTimer(b.config.Timeout)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			b.Fatalf("waited %v for %s", b.config.Timeout, what)
		}
	}
}

// record is the hub's part in a start.
type record struct {
	mu       sync.Mutex
	states   []json.RawMessage
	progress []spawner.Progress
	// onSave, if set, decides what the nth Save returns, counted from 1.
	onSave func(n int) error
}

func (r *record) Save(_ context.Context, state json.RawMessage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state)
	if r.onSave == nil {
		return nil
	}
	return r.onSave(len(r.states))
}

func (r *record) Progress(step spawner.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = append(r.progress, step)
}
