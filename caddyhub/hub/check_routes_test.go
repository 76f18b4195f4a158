package hub

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestCheckRoutes spoils routes behind the hub's back and has them put right.
func TestCheckRoutes(t *testing.T) {
	f := newFixture(t)
	spawns := new(platform)
	f.configure(settings(spawns, services("wiki", "forum")))
	f.starts("ada", spawns)
	f.write(func(w store.Writer) error {
		return errors.Join(
			f.opened.directory.CreateService(w, identity.Service{Name: "made", URL: "http://10.0.0.3:80"}, ""),
			route.Delete(w, specOf(t, "/services/wiki/")),
			route.Delete(w, specOf(t, "/user/ada/")),
			putRoute(t, w, "/services/forum/", route.Data{Service: "forum"}),
			putRoute(t, w, "/services/deleted/", route.Data{Service: "deleted"}),
			putRoute(t, w, "/user/nobody/", route.Data{User: "nobody"}),
			putRoute(t, w, "/user/ada/old/", route.Data{User: "ada", ServerName: "old"}),
			putRoute(t, w, "/added/", route.Data{Extra: `{"user":"nobody"}`}),
			putRoute(t, w, "/other/", route.Data{}),
		)
	})
	// Those that are nobody's come with the store's feed, which may be slow.
	if err := f.opened.routes.Apply(t.Context(), specOf(t, "/added/"), specOf(t, "/other/")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.opened.checkRoutes(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
		for at, want := range map[string]string{
			"/services/wiki/": "http://10.0.0.1:80", "/services/forum/": "http://10.0.0.1:80", "/services/made/": "http://10.0.0.3:80",
			"/services/deleted/": "", "/user/ada/": "http://10.0.0.2:8888", "/user/nobody/": "", "/user/ada/old/": "",
			"/added/": "http://10.9.9.9:80", "/other/": "http://10.9.9.9:80",
		} {
			spec, got := specOf(t, at), ""
			if shown, there := f.opened.routes.Table().Get(spec); there {
				got = shown.Target().String()
			}
			if want != "" {
				target, _ := route.ParseTarget(want)
				want = target.String()
			}
			if got != want {
				t.Errorf("%s leads to %q, want %q", at, got, want)
			}
		}
	}
	f.store.Away.Store(true)
	if err := f.opened.checkRoutes(t.Context(), "/"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without the store: %v", err)
	}
	var text strings.Builder
	if err := f.Metrics().WriteText(&text); err != nil || !strings.Contains(text.String(), "jupyterhub_check_routes_duration_seconds_count 3\n") {
		t.Errorf("not three checks: %v", err)
	}
}

// TestShutdown ends a hub, and its servers only if asked to.
func TestShutdown(t *testing.T) {
	for _, servers := range []bool{false, true} {
		f := newFixture(t)
		spawns := new(platform)
		f.configure(settings(spawns))
		f.starts("ada", spawns)
		exit := make(chan struct{})
		end := f.opened.shutdown(func() { close(exit) }, f.log)
		end(servers)
		select {
		case <-exit:
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
		if left := f.active(); (left > 0) == servers {
			t.Errorf("servers %v: %d are left", servers, left)
		}
	}
	if f := newFixture(t); (&parts{}).shutdown(nil, f.log) != nil {
		t.Error("something ends what cannot end")
	}
}

func (f *fixture) active() int {
	f.t.Helper()
	servers, err := f.opened.servers.Active(f.t.Context(), "", "", store.MaxPage)
	if err != nil {
		f.t.Fatal(err)
	}
	return len(servers)
}

func (f *fixture) write(change func(store.Writer) error) {
	f.t.Helper()
	if err := f.store.Update(f.t.Context(), change); err != nil {
		f.t.Fatal(err)
	}
}

func specOf(t *testing.T, text string) route.Spec {
	t.Helper()
	spec, err := route.ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func putRoute(t *testing.T, w store.Writer, at string, data route.Data) error {
	t.Helper()
	target, err := route.ParseTarget("http://10.9.9.9:80")
	if err != nil {
		t.Fatal(err)
	}
	return route.Put(w, route.Route{Spec: specOf(t, at), Target: target, Data: data})
}
