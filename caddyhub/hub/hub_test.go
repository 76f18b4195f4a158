package hub

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestReconfigure: another configuration comes into force, what runs goes on,
// and services are reached from the moment that Configure returns.
func TestReconfigure(t *testing.T) {
	f := newFixture(t)
	first, second := new(platform), new(platform)
	one := f.configure(settings(first, services("wiki")))
	if to := f.reaches(one, "/services/wiki/x"); to != "http://10.0.0.1:80" {
		t.Errorf("service at once: %q", to)
	}
	if !f.starts("ada", first) {
		t.Error("not the first spawner")
	}
	two := f.configure(settings(second, base("/jupyter/"), func(s *Settings) { s.Identity.Sessions.Lifetime = time.Hour }))
	if !f.starts("bob", second) {
		t.Error("not the second spawner")
	}
	if lifetime := f.opened.directory.SessionLifetime(); lifetime != time.Hour {
		t.Errorf("sessions of %s", lifetime)
	}
	for path, want := range map[string]string{
		"/jupyter/user/bob/x": "http://10.0.0.2:8888", "/jupyter/services/wiki/": "", "/services/wiki/": "", "/user/ada/x": "",
	} {
		if to := f.reaches(two, path); to != want {
			t.Errorf("%s to %q, want %q", path, to, want)
		}
	}
	if err := two.Health(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFailedConfigure: whatever is wrong with a configuration, the one before
// is in force, in memory and in the store.
func TestFailedConfigure(t *testing.T) {
	f := newFixture(t)
	good, bad := new(platform), new(platform)
	limits := func(s *Settings) { s.Identity.Sessions.Lifetime = time.Hour }
	site := f.configure(settings(good, services("wiki"), limits))
	for name, change := range map[string]func(*Settings){
		"no spawner":            func(s *Settings) { s.Servers.Spawner = nil },
		"public URL of servers": func(s *Settings) { s.Servers.PublicURL = "::" },
		"templates":             func(s *Settings) { s.Pages.Override = fstest.MapFS{"static/huge.bin": {Data: make([]byte, 64<<20)}} },
		"rules":                 func(s *Settings) { s.Rules.UsernamePattern = "(" },
		"address of a service": func(s *Settings) {
			services("other")(s)
			s.Configuration.Services[0].URL = "http://10.0.0.1/path"
		},
		"role of nobody": func(s *Settings) {
			s.Configuration.Roles = []identity.ConfiguredRole{{Role: identity.Role{Name: "role"}, Services: []string{"no-such"}}}
		},
		"two of one client": func(s *Settings) {
			services("other", "another")(s)
			s.Configuration.Services[0].OAuthClientID, s.Configuration.Services[1].OAuthClientID = "service-x", "service-x"
		},
		"redirect of a service": func(s *Settings) {
			services("other")(s)
			s.Configuration.Services[0].OAuthRedirectURI = "javascript:alert(1)"
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Configure(t.Context(), settings(bad, change))
			if err == nil || errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("error %v", err)
			}
			if user := "user-" + strings.ReplaceAll(name, " ", "-"); !f.starts(user, good) {
				t.Error("servers are started by the spawner of the failed one")
			}
			if lifetime := f.opened.directory.SessionLifetime(); lifetime != time.Hour {
				t.Errorf("sessions of %s", lifetime)
			}
			if to := f.reaches(site, "/services/wiki/"); to == "" {
				t.Error("the service is gone")
			}
			if _, err := f.opened.directory.Service(t.Context(), "other"); !errors.Is(err, identity.ErrNotFound) {
				t.Errorf("a service of the failed one: %v", err)
			}
		})
	}
}

// TestStoreAway: that the store is away says so, changes nothing, and can be
// tried again, also at the very start.
func TestStoreAway(t *testing.T) {
	f := newFixture(t)
	first, second := new(platform), new(platform)
	f.store.Away.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := f.Configure(ctx, settings(first)); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	f.store.Away.Store(false)
	f.configure(settings(first))
	f.store.Away.Store(true)
	if _, err := f.Configure(t.Context(), settings(second)); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	f.store.Away.Store(false)
	if !f.starts("ada", first) {
		t.Error("the configuration that could not be put in force starts servers")
	}
	f.configure(settings(second))
	if !f.starts("bob", second) {
		t.Error("tried again, it is not in force")
	}
}

// TestRelease: a configuration that is given up makes room for the one before,
// one that was replaced changes nothing.
func TestRelease(t *testing.T) {
	f := newFixture(t)
	first, second, third := new(platform), new(platform), new(platform)
	one := f.configure(settings(first, services("wiki")))
	two := f.configure(settings(second))
	f.Release(one)
	if !f.starts("ada", second) {
		t.Error("the end of the one before changed something")
	}
	f.configure(settings(first, services("wiki")))
	three := f.configure(settings(third))
	if to := f.reaches(three, "/services/wiki/"); to != "" {
		t.Error("a service that left the configuration is reached")
	}
	f.Release(three)
	f.Release(three)
	if !f.starts("bob", first) {
		t.Error("the one before is not in force again")
	}
	if to := f.reaches(two, "/services/wiki/"); to == "" {
		t.Error("nor are its services")
	}
}

// TestStaleRoutes: routes of services follow the configuration; all others are
// left alone.
func TestStaleRoutes(t *testing.T) {
	f := newFixture(t)
	f.configure(settings(new(platform), services("wiki", "forum")))
	if err := f.store.Update(t.Context(), func(w store.Writer) error {
		err := store.Collection[identity.Service]{Kind: "service"}.Put(w, store.Join("made"), identity.Service{Name: "made", URL: "http://10.0.0.3:80"}, time.Time{})
		target, _ := route.ParseTarget("http://10.0.0.3:80")
		for at, data := range map[string]route.Data{
			"/services/made/": {Service: "made"}, "/services/deleted/": {Service: "deleted"}, "/other/": {},
			"/old/services/wiki/": {Service: "wiki"}, "/old/services/made/": {Service: "made"}, "/user/ada/": {User: "ada"},
		} {
			spec, _ := route.ParseSpec(at)
			err = errors.Join(err, route.Put(w, route.Route{Spec: spec, Target: target, Data: data}))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f.configure(settings(new(platform), services("wiki"), func(s *Settings) {
		services("forum")(s)
		s.Configuration.Services[1].URL = ""
	}))
	for at, want := range map[string]bool{
		"/services/wiki/": true, "/services/forum/": false, "/old/services/wiki/": false,
		"/services/made/": true, "/old/services/made/": false, "/services/deleted/": false, "/other/": true, "/user/ada/": true,
	} {
		spec, _ := route.ParseSpec(at)
		err := f.store.View(t.Context(), func(r store.Reader) error {
			_, err := route.Get(r, spec)
			return err
		})
		if there := err == nil; there != want || err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// TestDestruct: what was noted in memory is written before the store is closed,
// and a hub that was never opened closes too.
func TestDestruct(t *testing.T) {
	f := newFixture(t)
	f.configure(settings(new(platform)))
	soon := time.Now().Add(time.Minute)
	f.opened.directory.Activity().Touch(identity.ActivityOfUser("root"), soon)
	if err := f.Destruct(); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Store.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the store is open: %v", err)
	}
	f.open()
	f.configure(settings(new(platform)))
	err := f.store.View(t.Context(), func(r store.Reader) error {
		at, err := f.opened.directory.Activity().Last(r, identity.ActivityOfUser("root"))
		if !at.Equal(soon) {
			t.Errorf("activity at %s, want %s", at, soon)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	unopened := newFixture(t)
	if err := unopened.RotateKeys(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if err := unopened.Destruct(); err != nil {
		t.Error(err)
	}
}

// TestLog: what outlives configurations logs to that in force.
func TestLog(t *testing.T) {
	var first, second bytes.Buffer
	text := func(w *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
	f := newFixture(t)
	f.configure(settings(new(platform), func(s *Settings) { s.Log = text(&first) }))
	log := f.log.With("part", "x").WithGroup("of")
	log.Info("one", "a", 1)
	site := f.configure(settings(new(platform), func(s *Settings) { s.Log = text(&second) }))
	log.Info("two", "a", 2)
	f.Release(site)
	log.Info("three", "a", 3)
	if got := first.String(); !strings.Contains(got, "msg=one part=x of.a=1") || strings.Contains(got, "two") || !strings.Contains(got, "msg=three") {
		t.Errorf("first: %s", got)
	}
	if got := second.String(); !strings.Contains(got, "msg=two part=x of.a=2") || strings.Contains(got, "three") {
		t.Errorf("second: %s", got)
	}
}

// TestUnavailable: before the store was reached, clients are told to come again.
func TestUnavailable(t *testing.T) {
	w := httptest.NewRecorder()
	Unavailable(w)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
