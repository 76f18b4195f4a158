package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
)

// words are the spawner's own settings that may differ between servers.
type words struct {
	spawner.Spawner
	known string
}

func (w words) CheckOverride(word string, _ []string) error {
	if word != w.known {
		return spawner.ErrInvalid
	}
	return nil
}

func asked(t *testing.T, options ...useroptions.Option) *useroptions.Form {
	t.Helper()
	form, err := useroptions.New(useroptions.Config{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func variable(name, value string) map[string]*string { return map[string]*string{name: &value} }

// TestOrderOfOverrides is step 7 of "7.2": what holds for all, then the groups by
// name, then what the user has chosen.
func TestOrderOfOverrides(t *testing.T) {
	settings := Settings{
		Launch: Launch{
			Environment: map[string]string{"A": "all", "B": "all", "GONE": "all"},
			DefaultURL:  "/tree", Resources: spawner.Limits{MemLimit: 1, CPULimit: 1},
		},
		Timeouts: Timeouts{Start: time.Second, HTTP: time.Second},
		GroupOverrides: []GroupOverride{
			{Name: "20", Groups: []string{"gpu"}, Override: spawner.Override{
				Environment: map[string]*string{"B": new("gpu"), "GONE": nil}, StartTimeout: time.Minute,
				Spawner: map[string][]string{"args": {"--gpu"}},
			}},
			{Name: "10", Groups: []string{"none", "staff"}, Override: spawner.Override{
				Environment: variable("B", "staff"), DefaultURL: "/lab", MemLimit: "1K", HTTPTimeout: time.Hour,
				Spawner: map[string][]string{"args": {"--staff"}, "command": {"staff"}},
			}},
			{Name: "30", Groups: []string{"none"}, Override: spawner.Override{Environment: variable("A", "none")}},
		},
		UserOptions: asked(t, useroptions.Option{
			Name: "memory", Choices: []useroptions.Choice{{Value: "2K"}, {Value: "4K"}},
			Override: spawner.Override{MemLimit: "{value}", Environment: variable("C", "{value}")},
		}),
	}
	got, err := settings.personal(identity.User{Groups: []string{"gpu", "staff"}}, json.RawMessage(`{"memory": "4K"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Launch{
		Environment: map[string]string{"A": "all", "B": "gpu", "C": "4K"}, DefaultURL: "/lab",
		Resources: spawner.Limits{MemLimit: 4096, CPULimit: 1},
		Spawner:   map[string][]string{"args": {"--gpu"}, "command": {"staff"}},
	}
	if diff := cmp.Diff(want, got.Launch); diff != "" {
		t.Error(diff)
	}
	if got.Timeouts.Start != time.Minute || got.Timeouts.HTTP != time.Hour {
		t.Errorf("timeouts %+v", got.Timeouts)
	}
	if diff := cmp.Diff(map[string]string{"A": "all", "B": "all", "GONE": "all"}, settings.Launch.Environment); diff != "" {
		t.Errorf("what holds for all has changed: %s", diff)
	}
	other, err := settings.personal(identity.User{}, nil)
	if err != nil || other.Launch.Environment["GONE"] != "all" || other.Launch.Environment["C"] != "2K" || other.Launch.Spawner != nil {
		t.Errorf("a member of no group: %+v, %v", other.Launch, err)
	}
}

func TestChoicesReachTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada", "bob")
		n := h.node("east", func(s *Settings) {
			s.Spawner = words{s.Spawner, "image"}
			s.GroupOverrides = []GroupOverride{{Name: "gpu", Groups: []string{"gpu"}, Override: spawner.Override{
				Spawner: map[string][]string{"image": {"gpu:1"}}, MemLimit: "3K",
			}}}
			s.UserOptions = asked(t,
				useroptions.Option{Name: "size", Choices: []useroptions.Choice{
					{Value: "small"}, {Value: "large", Groups: []string{"gpu"}, Override: spawner.Override{Environment: variable("SIZE", "large")}},
				}})
		})
		if _, err := h.directory.SetGroups(t.Context(), "ada", []string{"gpu"}); err != nil {
			t.Fatal(err)
		}
		requested := func(user, options string) (request spawner.Request) {
			t.Helper()
			if err := n.Start(t.Context(), user, "", json.RawMessage(options)); err != nil {
				t.Fatal(err)
			}
			h.wait(n, user, "")
			h.platform.set(user, func(p *program) { request = p.request })
			return request
		}
		request := requested("ada", `{"size": "large"}`)
		if diff := cmp.Diff(map[string][]string{"image": {"gpu:1"}}, request.Overrides); diff != "" {
			t.Error(diff)
		}
		if request.Environment["SIZE"] != "large" || request.Environment["MEM_LIMIT"] != "3072" || request.Limits.MemLimit != 3072 {
			t.Errorf("environment %v, limits %+v", request.Environment, request.Limits)
		}
		if request := requested("bob", ``); request.Overrides != nil || request.Environment["SIZE"] != "" || request.Limits.MemLimit != 0 {
			t.Errorf("bob got %+v", request)
		}
		// What is refused leaves the options of the last time alone.
		stop(t, n, "bob")
		h.wait(n, "bob", "")
		if err := n.Start(t.Context(), "bob", "", json.RawMessage(`{"size": "small"}`)); err != nil {
			t.Fatal(err)
		}
		h.wait(n, "bob", "")
		stop(t, n, "bob")
		h.wait(n, "bob", "")
		refusedOptions(t, n.Start(t.Context(), "bob", "", json.RawMessage(`{"size": "large"}`)), `size: "large" is none of the choices: small`)
		if s, err := n.Get(t.Context(), "bob", ""); err != nil || string(s.UserOptions) != `{"size":"small"}` || s.Failure != nil {
			t.Errorf("after a refusal: %+v, %v", s, err)
		}
		// Stored options obey the rules of today.
		stop(t, n, "ada")
		h.wait(n, "ada", "")
		if _, err := h.directory.SetGroups(t.Context(), "ada", nil); err != nil {
			t.Fatal(err)
		}
		refusedOptions(t, n.Start(t.Context(), "ada", "", nil), "Invalid user options: size: ")
	})
}

func stop(t *testing.T, n *node, user string) {
	t.Helper()
	if _, err := n.Stop(t.Context(), user, "", false); err != nil {
		t.Fatal(err)
	}
}

func refusedOptions(t *testing.T, err error, message string) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || !errors.Is(err, ErrOptions) || refused.Status != http.StatusBadRequest ||
		!strings.Contains(refused.Message, message) {
		t.Errorf("refusal is %v, want %q", err, message)
	}
}

func TestOverridesAreChecked(t *testing.T) {
	h := newHub(t)
	n := h.node("east")
	choice := func(o spawner.Override) *useroptions.Form {
		return asked(t, useroptions.Option{Name: "x", Choices: []useroptions.Choice{{Value: "a", Override: o}}})
	}
	image := spawner.Override{Spawner: map[string][]string{"image": {"a"}}}
	for name, test := range map[string]struct {
		settings Settings
		want     string
	}{
		"group, no such setting": {Settings{Spawner: words{known: "args"}, GroupOverrides: []GroupOverride{{Name: "g", Override: image}}}, "group override g"},
		"group, no settings":     {Settings{Spawner: n.spawner, GroupOverrides: []GroupOverride{{Name: "g", Override: image}}}, "no settings that can differ"},
		"group, no size":         {Settings{Spawner: n.spawner, GroupOverrides: []GroupOverride{{Name: "g", Override: spawner.Override{MemLimit: "x"}}}}, "not a size"},
		"choice":                 {Settings{Spawner: words{known: "args"}, UserOptions: choice(image)}, "user options"},
	} {
		if err := n.Reconfigure(test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if err := n.Reconfigure(Settings{Spawner: words{n.spawner, "image"}, UserOptions: choice(image)}); err != nil {
		t.Error(err)
	}
}

// TestTakenOverStartKeepsItsTime: the node that goes on with a start gives it
// the time that a group has, not the usual one.
func TestTakenOverStartKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		if _, err := h.directory.SetGroups(t.Context(), "ada", []string{"slow"}); err != nil {
			t.Fatal(err)
		}
		patient := func(s *Settings) {
			s.Timeouts.HTTP = 10 * time.Second
			s.GroupOverrides = []GroupOverride{{Name: "slow", Groups: []string{"slow"}, Override: spawner.Override{HTTPTimeout: time.Hour}}}
		}
		east := h.node("east", patient)
		east.spawner.change(func(s *script) { s.status = -1 })
		h.start(east, "ada", "")
		synctest.Wait()
		east.kill()
		west := h.node("west", patient)
		time.Sleep(5 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if s, err := west.Get(ctx, "ada", ""); err != nil || s.Pending != PendingSpawn || s.Node == "" {
			t.Fatalf("after five minutes: %+v, %v", s, err)
		}
		h.platform.set("ada", func(p *program) { p.status = http.StatusOK })
		if s := h.wait(west, "ada", ""); !s.Ready {
			t.Errorf("it answered, and is not ready: %+v", s)
		}
	})
}

func TestMayStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east", func(s *Settings) { s.Named.LimitPerUser = 1 })
		for _, test := range []struct {
			user, name string
			want       error
		}{
			{"ada", "", nil}, {"ada", "lab", nil}, {"nobody", "", ErrUser}, {"ada", "a/b", ErrName},
		} {
			if err := n.MayStart(t.Context(), test.user, test.name); !errors.Is(err, test.want) {
				t.Errorf("%s/%s: %v, want %v", test.user, test.name, err, test.want)
			}
		}
		h.ready(n, "ada", "lab")
		if err := n.MayStart(t.Context(), "ada", "lab"); !errors.Is(err, ErrRunning) {
			t.Errorf("running: %v", err)
		}
		if err := n.MayStart(t.Context(), "ada", "second"); !errors.Is(err, ErrNamedLimit) {
			t.Errorf("above the limit: %v", err)
		}
		if n.spawner.starts.Load() != 1 {
			t.Error("asking has started something")
		}
	})
}
