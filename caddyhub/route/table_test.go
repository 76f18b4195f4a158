package route

import (
	"fmt"
	"hash/maphash"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func table(t testing.TB, specs ...string) *Table {
	t.Helper()
	tab := NewTable()
	for _, text := range specs {
		if !tab.Set(Route{Spec: spec(t, text), Target: target(t, "http://h:1")}) {
			t.Fatalf("%s refused", text)
		}
	}
	return tab
}

func TestLookup(t *testing.T) {
	tab := table(t, "/", "/user/al/", "/user/alice/", "/user/alice/two/", "/user/ada%20l/", "/user/j%C3%BCrgen/", "/services/x/",
		"alice.hub.example.org/user/alice/", "2001-db8.example/x/", "/user/"+strings.Repeat("%C3%BC", 90)+"/")
	for _, test := range []struct{ host, path, want string }{
		{"", "/", "/"},
		{"hub", "/user/al", "/user/al/"},
		{"hub", "/user/al/", "/user/al/"},
		{"hub", "/user/alice", "/user/alice/"},
		{"hub", "/user/alice/lab", "/user/alice/"},
		{"hub", "/user/alice/twox", "/user/alice/"},
		{"hub", "/user/alice/two", "/user/alice/two/"},
		{"hub", "/user/alice/two/lab/x", "/user/alice/two/"},
		{"hub", "/user/%61lice/%74wo/", "/user/alice/two/"},
		{"hub", "/user/ada%20l/lab", "/user/ada%20l/"},
		{"hub", "/user/j%c3%bcrgen/lab", "/user/j%C3%BCrgen/"},
		{"hub", "/user/" + strings.Repeat("%c3%bc", 90) + "/x", "/user/" + strings.Repeat("%C3%BC", 90) + "/"},
		{"hub", "/user/ali", "/"},
		{"hub", "/user/Alice/lab", "/"},
		{"hub", "/USER/alice/lab", "/"},
		{"hub", "/user//alice", "/"},
		{"hub", "//user/alice", "/"},
		{"hub", "/user/alice%2Ftwo/", "/"},
		{"hub", "/user/al%", "/"},
		{"hub", "/user/al%2", "/"},
		{"hub", "/user/al%zz/x", "/"},
		{"hub", "/user/alice%00", "/"},
		{"hub", "/services/x/y", "/services/x/"},
		{"hub", "/services", "/"},
		{"hub", "", ""},
		{"hub", "user/alice", ""},
		{"alice.hub.example.org", "/user/alice/lab", "alice.hub.example.org/user/alice/"},
		{"Alice.hub.example.org:8443", "/user/alice/lab", "alice.hub.example.org/user/alice/"},
		{"alice.hub.example.org", "/user/al/lab", "/user/al/"},
		{"alice.hub.example.org", "/hub/", "/"},
		{"xalice.hub.example.org", "/user/alice/", "/user/alice/"},
		{"[2001:db8::1]:80", "/x", "/"},
		{"[2001:db8", "/x", "/"},
	} {
		got, ok := tab.Lookup(test.host, test.path)
		if !ok && test.want == "" {
			continue
		}
		if !ok || got.Spec().String() != test.want {
			t.Errorf("%s %s: %v, want %s", test.host, test.path, got, test.want)
		}
	}
	if _, ok := table(t, "/user/ada/").Lookup("hub", "/user/bob/"); ok {
		t.Error("found a route where there is none")
	}
	if tab.Set(Route{}) || tab.Set(Route{Spec: spec(t, "/x/")}) {
		t.Error("took an empty route")
	}
}

// The table agrees with a map and a loop over all prefixes.
func TestTableModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.SampledFrom([]string{"user", "al", "alice", "a b", "ü", "x", "y"})
		specs := rapid.Custom(func(t *rapid.T) Spec {
			s, err := NewSpec(rapid.SampledFrom([]string{"", "h1", "h2"}).Draw(t, "host"), rapid.SliceOfN(segment, 0, 4).Draw(t, "segments")...)
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
		model, tab := map[Spec]Route{}, NewTable()
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				route := Route{Spec: specs.Draw(t, "spec"), Target: Target{fmt.Sprint("http://h:", rapid.IntRange(1, 9).Draw(t, "port"))}}
				model[route.Spec] = route
				tab.Set(route)
			},
			"remove": func(t *rapid.T) {
				s := specs.Draw(t, "spec")
				delete(model, s)
				tab.Remove(s)
			},
			"replace": func(t *rapid.T) {
				maps.DeleteFunc(model, func(Spec, Route) bool { return rapid.Bool().Draw(t, "drop") })
				tab.Replace(maps.Values(model))
			},
			"": func(t *rapid.T) {
				if tab.Len() != len(model) || len(slices.Collect(tab.All())) != len(model) {
					t.Fatalf("%d routes, want %d", tab.Len(), len(model))
				}
				s := specs.Draw(t, "look up")
				got, ok := tab.Get(s)
				if want, exists := model[s]; ok != exists || ok && got.Target() != want.Target {
					t.Fatalf("get %s: %v", s, got)
				}
				found, ok := tab.Lookup(s.Host(), s.Path())
				want, exists := longest(model, s)
				if ok != exists || ok && (found.Spec() != want.Spec || found.Target() != want.Target) {
					t.Fatalf("lookup %s: %v, want %v", s, found, want)
				}
			},
		})
	})
}

func longest(model map[Spec]Route, s Spec) (Route, bool) {
	for _, host := range []string{s.Host(), ""} {
		for n := len(s.Segments()); n >= 0; n-- {
			prefix, _ := NewSpec(host, s.Segments()[:n]...)
			if route, ok := model[prefix]; ok {
				return route, true
			}
		}
	}
	return Route{}, false
}

// Segments whose hashes are equal in every bit still get their own slots.
func TestHashCollisions(t *testing.T) {
	entry := func(name string) *Entry {
		return newEntry(&Route{Spec: spec(t, "/"+name+"/"), Target: target(t, "http://h:1")}, nil)
	}
	seed, list := maphash.MakeSeed(), &level{more: true}
	for i := range 51 {
		name := fmt.Sprint("s", i%50)
		c := &change{seed: seed, route: entry(name)}
		list = c.put(list, lastLevel, []string{name})
		if c.count != 1-i/50 {
			t.Fatalf("%s: %d more", name, c.count)
		}
	}
	if len(list.slots) != 50 || scan(list, "s49").route.Spec() != spec(t, "/s49/") {
		t.Fatalf("%d slots", len(list.slots))
	}
	for i := range 50 {
		c := &change{seed: seed}
		list = c.remove(c.remove(list, lastLevel, []string{"unknown"}), lastLevel, []string{fmt.Sprint("s", i)})
		if c.count != -1 {
			t.Fatalf("%d more", c.count)
		}
	}
	if list != nil {
		t.Errorf("%d slots left", len(list.slots))
	}
	// Found through all levels above.
	list = &level{more: true, slots: []slot{{route: entry("a")}, {route: entry("b")}}}
	for range lastLevel / levelBits {
		list = &level{bitmap: 1, more: true, slots: []slot{{below: list}}}
	}
	if found := find(list, 0, "b"); found == nil || found.segment() != "b" || find(list, 0, "c") != nil {
		t.Error("find in a list of colliding segments")
	}
}

// TestSetAgain: what has not changed is not made again, and what has changed has the
// activity of before unless it was added anew.
func TestSetAgain(t *testing.T) {
	added := time.UnixMilli(1_000_000)
	first := Route{Spec: spec(t, "/user/ada/"), Target: target(t, "http://h:1"), Data: Data{User: "ada", Extra: `{"user":"ada"}`}, Added: added}
	for name, test := range map[string]struct {
		change     func(*Route)
		same, used bool
	}{
		"nothing": {func(*Route) {}, true, true},
		"zone":    {func(r *Route) { r.Added = added.UTC() }, true, true},
		"user":    {func(r *Route) { r.Data.User = "bob" }, false, true},
		"server":  {func(r *Route) { r.Data.User, r.Data.ServerName = "", "ada" }, false, true},
		"extra":   {func(r *Route) { r.Data.Extra = `{}` }, false, true},
		"flag":    {func(r *Route) { r.Data.Public = true }, false, true},
		"target":  {func(r *Route) { r.Target = target(t, "http://h:2") }, false, false},
		"added":   {func(r *Route) { r.Added = added.Add(time.Millisecond) }, false, false},
	} {
		tab := NewTable()
		tab.Set(first)
		before, _ := tab.Get(first.Spec)
		before.Activity().Touch(added.Add(time.Hour))
		next := first
		test.change(&next)
		tab.Set(next)
		after, _ := tab.Get(first.Spec)
		if (after == before) != test.same || (after.Activity() == before.Activity()) != test.used {
			t.Errorf("%s: same %v, activity of before %v", name, after == before, after.Activity() == before.Activity())
		}
		next.Added = next.Added.UTC()
		if got := after.Route(); got != next || before.Route().Data != first.Data {
			t.Errorf("%s: %+v, want %+v", name, got, next)
		}
		tab.Replace(slices.Values([]Route{next}))
		if again, _ := tab.Get(first.Spec); again != after {
			t.Errorf("%s: made again by Replace", name)
		}
	}
}

// Readers beside writers see routes that are always there, always.
func TestConcurrentReaders(t *testing.T) {
	tab := table(t, "/", "/user/ada/")
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if route, ok := tab.Lookup("h", "/user/ada/lab"); !ok || route.Spec().Path() != "/user/ada/" {
					t.Error("a route was gone for a moment")
					return
				}
			}
		})
	}
	for i := range 2000 {
		s := spec(t, fmt.Sprintf("/user/u%d/", i%100))
		tab.Set(Route{Spec: s, Target: target(t, "http://h:1")})
		tab.Remove(s)
	}
	close(stop)
	readers.Wait()
}

func many(t testing.TB, count int) *Table {
	tab := NewTable()
	tab.Replace(func(yield func(Route) bool) {
		for i := range count {
			name := fmt.Sprintf("user-%06d", i)
			s, err := NewSpec("", "user", name)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(Route{Spec: s, Target: Target{fmt.Sprintf("http://10.0.%d.%d:8888", i>>8&255, i&255)}, Data: Data{User: name}}) {
				return
			}
		}
	})
	return tab
}

func TestMemoryOfManyRoutes(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tab := many(t, 100_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d routes: %d MB", tab.Len(), used>>20)
	if tab.Len() != 100_000 || used > 60<<20 {
		t.Errorf("%d routes use %d bytes", tab.Len(), used)
	}
	if n := testing.AllocsPerRun(100, func() { tab.Lookup("hub.example.org:443", "/user/user-012345/api/kernels") }); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { tab.Lookup("hub.example.org", "/user/user%2D012345/lab") }); n != 0 {
		t.Errorf("a lookup with an escape allocates %v times", n)
	}
	runtime.KeepAlive(tab)
}

func BenchmarkLookup(b *testing.B) {
	tab := many(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tab.Lookup("hub.example.org", "/user/user-012345/api/kernels/1/channels"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkSet(b *testing.B) {
	tab := many(b, 100_000)
	route := Route{Spec: spec(b, "/user/ada/"), Target: target(b, "http://h:1")}
	b.ReportAllocs()
	for b.Loop() {
		tab.Set(route)
	}
}
