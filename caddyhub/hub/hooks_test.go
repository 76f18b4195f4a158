package hub

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// keeper is an authenticator that takes part in the life of servers.
type keeper struct {
	authenticator.Authenticator
	refusal error
	stopped chan authenticator.ServerUse
}

func (k *keeper) PreSpawn(_ context.Context, use authenticator.ServerUse) (map[string]string, error) {
	return map[string]string{"GREETING": use.User + "/" + use.Server + " " + string(use.AuthState)}, k.refusal
}

func (k *keeper) PostStop(_ context.Context, use authenticator.ServerUse) error {
	k.stopped <- use
	return nil
}

// observed is a spawner that shows what it is asked to start.
type observed struct {
	platform
	requests chan spawner.Request
}

func (o *observed) Start(ctx context.Context, request spawner.Request, events spawner.Events) (spawner.Started, error) {
	o.requests <- request
	return o.platform.Start(ctx, request, events)
}

// TestHooks: the authenticator that logged a user in takes part in the start and
// the stop of the user's servers, with the state it left; another does not.
func TestHooks(t *testing.T) {
	f := newFixture(t)
	platform := &observed{requests: make(chan spawner.Request, 1)}
	keeper := &keeper{stopped: make(chan authenticator.ServerUse, 1)}
	f.configure(settings(platform, func(s *Settings) {
		s.Authenticators = append(s.Authenticators, authenticator.Named{Name: "keeper", Authenticator: keeper})
	}))
	servers := f.opened.servers
	for user, by := range map[string]string{"ada": "keeper", "bob": "dummy"} {
		_, err := f.opened.directory.RecordLogin(t.Context(), identity.Login{
			Name: user, Authenticator: by, AuthState: json.RawMessage(`{"key":"` + user + `"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for user, want := range map[string]string{"ada": `ada/ {"key":"ada"}`, "bob": ""} {
		if err := servers.Start(t.Context(), user, "", nil); err != nil {
			t.Fatal(err)
		}
		if got := (<-platform.requests).Environment["GREETING"]; got != want {
			t.Errorf("%s starts with %q, want %q", user, got, want)
		}
		if s, err := servers.Wait(t.Context(), user, "", time.Minute); err != nil || !s.Ready {
			t.Fatalf("%s: %+v, %v", user, s, err)
		}
		if _, err := servers.Stop(t.Context(), user, "", false); err != nil {
			t.Fatal(err)
		}
		if _, err := servers.Wait(t.Context(), user, "", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if use := <-keeper.stopped; use.User != "ada" || string(use.AuthState) != `{"key":"ada"}` {
		t.Errorf("stopped %+v", use)
	}
}

// TestHookRefuses: an authenticator can refuse a start, with words for the user.
func TestHookRefuses(t *testing.T) {
	f := newFixture(t)
	keeper := &keeper{
		refusal: &authenticator.Error{Status: http.StatusForbidden, Message: "Your project has no hours left."},
		stopped: make(chan authenticator.ServerUse, 1),
	}
	f.configure(settings(&observed{}, func(s *Settings) {
		s.Authenticators = []authenticator.Named{{Name: "keeper", Authenticator: keeper}}
	}))
	_, err := f.opened.directory.RecordLogin(t.Context(), identity.Login{Name: "ada", Authenticator: "keeper"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.opened.servers.Start(t.Context(), "ada", "", nil); err != nil {
		t.Fatal(err)
	}
	s, err := f.opened.servers.Wait(t.Context(), "ada", "", time.Minute)
	if err != nil || s.Failure == nil || s.Failure.Status != http.StatusForbidden ||
		s.Failure.Message != "Your project has no hours left." {
		t.Errorf("%+v, %v; failure %+v", s, err, s.Failure)
	}
}
