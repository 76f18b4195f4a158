package scope

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func setOf(t testing.TB, texts ...string) Set {
	t.Helper()
	s, err := NewSet(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewSet(t *testing.T) {
	t.Parallel()
	s := setOf(t, "users!user=b", "users!user=a", "users!group=g", "proxy!user=a", "proxy", "custom:of:another:hub")
	want := []string{"custom:of:another:hub", "proxy", "users!group=g", "users!user=a", "users!user=b"}
	if diff := cmp.Diff(want, s.Strings()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"custom:of:another:hub", "proxy", "users"}, s.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if s.Len() != len(want) {
		t.Errorf("Len is %d, want %d", s.Len(), len(want))
	}
	for _, text := range []string{"users!user", "access:servers!server", "users!", ""} {
		if _, err := NewSet("proxy", text); !errors.Is(err, ErrSyntax) {
			t.Errorf("NewSet(%q): %v, want ErrSyntax", text, err)
		}
	}
}

func TestZeroSet(t *testing.T) {
	t.Parallel()
	var s Set
	if text, err := json.Marshal(s.Strings()); err != nil || string(text) != "[]" {
		t.Errorf("as JSON %s, %v", text, err)
	}
	if _, ok := s.Filters("users"); ok || s.Len() != 0 || s.Contains("users") || s.Check("users", Resource{}, nil) != None {
		t.Error("the zero Set holds something")
	}
	full := setOf(t, "users", "proxy!user=a")
	if !s.Union(full).Equal(full) || !full.Union(s).Equal(full) || !Intersect(s, full, nil).Equal(s) {
		t.Error("the zero Set is not neutral")
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	s := setOf(t, "users", "servers!server=ada/lab", "servers!user=grace")
	for text, want := range map[string]bool{
		"users":                  true,
		"users!user=ada":         false, // permitted, but not that text
		"servers":                false,
		"servers!server=ada/lab": true,
		"servers!server=ada/":    false,
		"servers!user=grace":     true,
		"servers!user":           false,
		"servers!user=":          false,
		"groups":                 false,
		"":                       false,
	} {
		if got := s.Contains(text); got != want {
			t.Errorf("Contains(%q) = %t", text, got)
		}
	}
}

func TestUnion(t *testing.T) {
	t.Parallel()
	a := setOf(t, "users!user=c", "users!user=a", "proxy", "tokens!user=a")
	b := setOf(t, "users!user=b", "users!user=a", "users!group=g", "proxy!user=x", "tokens", "shutdown")
	before := [][]string{a.Strings(), b.Strings()}
	want := []string{"proxy", "shutdown", "tokens", "users!group=g", "users!user=a", "users!user=b", "users!user=c"}
	for _, got := range []Set{a.Union(b), b.Union(a), a.Union(b).Union(a)} {
		if diff := cmp.Diff(want, got.Strings()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(before, [][]string{a.Strings(), b.Strings()}); diff != "" {
		t.Errorf("Union changed its operands (-before +after):\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	sets := []Set{
		{}, setOf(t, "users"), setOf(t, "users!user=a"), setOf(t, "users!group=a"), setOf(t, "users!user=a", "users!user=b"), setOf(t, "groups"),
	}
	for i, a := range sets {
		for j, b := range sets {
			if got := a.Equal(b); got != (i == j) {
				t.Errorf("%v equals %v: %t", a.Strings(), b.Strings(), got)
			}
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := setOf(t, "users", "servers!server=ada/lab", "servers!server=ada/", "servers!user=grace", "servers!group=g")
	if f, ok := s.Filters("users"); !ok || !f.All() || f.Values(KindUser) != nil {
		t.Errorf("users: %+v, %t", f, ok)
	}
	f, ok := s.Filters("servers")
	if !ok || f.All() {
		t.Fatalf("servers: %+v, %t", f, ok)
	}
	for kind, want := range map[Kind][]string{
		KindNone: nil, KindUser: {"grace"}, KindGroup: {"g"}, KindService: nil, KindServer: {"ada/", "ada/lab"}, 99: nil,
	} {
		got := f.Values(kind)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
		if len(got) > 0 {
			got[0] = "zeus"
		}
	}
	if s.Check("servers", OnUser("zeus"), nil) == Granted {
		t.Error("a caller could change the set")
	}
	if (Filters{}).Allows(Resource{}, nil) || (Filters{}).Allows(OnUser(""), nil) {
		t.Error("the zero Filters allows something")
	}
}
