package scope

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

var seeds = []string{
	"self", "(no_scope)", "inherit", "users!user", "users!user=ada", "groups!group=astro", "proxy!service=a=b!c",
	"access:servers!server", "servers!server=ada/", "admin:servers!server=ada/lab", "read:users!server=x/y",
	"custom:app:*!group=/sub", "users!", "users!user=", "servers!server=/x", "!", "=", "",
}

// FuzzParse holds that a scope is given back as it was read, and that what names
// one resource reaches that resource and nothing unnamed.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Fatalf("%q is given back as %q", text, s)
		}
		set, err := NewSet(text)
		if s.Filter.Placeholder() != (err != nil) {
			t.Fatalf("NewSet(%q): %v", text, err)
		}
		if err != nil {
			return
		}
		if !set.Contains(text) || !slices.Equal(set.Strings(), []string{text}) {
			t.Fatalf("the set of %q is %q", text, set.Strings())
		}
		on := resourceOf(s.Filter.Kind, s.Filter.Value)
		if set.Check(s.Name, on, nil) != Granted {
			t.Fatalf("%q does not permit what it names", text)
		}
		if !s.Filter.IsZero() && (set.Check(s.Name, Resource{}, nil) != None || set.Check(s.Name, OnUser(""), nil) == Granted) {
			t.Fatalf("%q permits more than it names", text)
		}
	})
}

// FuzzExpand holds the laws that the decisions stand on, for lists of scopes
// separated by line breaks.
func FuzzExpand(f *testing.F) {
	f.Add(strings.Join(seeds, "\n"), "self\ninherit", "ada", "portal", "ada/lab")
	d := Builtin()
	f.Add("servers!server=ada/lab\nservers", "servers!group=astro", "ada", "", "grace/")
	f.Fuzz(func(t *testing.T, first, second, user, service, server string) {
		owner := Owner{User: user, Service: service}
		owner.Client.Server, _ = ParseServer(server)
		a, _, _ := d.Expand(strings.Split(first, "\n"), owner)
		b, _, _ := d.Expand(strings.Split(second, "\n"), owner)
		groups := memberships(map[string][]string{"ada": {"astro"}, user: {"astro", "navy"}})

		if c := Intersect(a, b, groups); !c.Equal(Intersect(b, a, groups)) {
			t.Fatalf("%q and %q: the order matters", a.Strings(), b.Strings())
		} else if over := append(c.Missing(a, groups), c.Missing(b, groups)...); len(over) > 0 {
			t.Fatalf("%q and %q have %q in common", a.Strings(), b.Strings(), over)
		}
		if !Intersect(a, a, nil).Equal(a) || !a.Union(a).Equal(a) || len(a.Missing(a, nil)) > 0 {
			t.Fatalf("%q is not itself", a.Strings())
		}
		both := a.Union(b)
		if len(a.Missing(both, nil)) > 0 || len(b.Missing(both, nil)) > 0 {
			t.Fatalf("%q and %q make only %q", a.Strings(), b.Strings(), both.Strings())
		}
		if len(a.Strings()) != a.Len() || !slices.IsSorted(a.Strings()) {
			t.Fatalf("%q is not sorted or counted wrong", a.Strings())
		}
		token, _, _ := d.Token(strings.Split(first, "\n"), owner, b, groups)
		if over := token.Missing(b, groups); len(over) > 0 {
			t.Fatalf("a token has %q, its owner only %q", over, b.Strings())
		}
		// The names of real users, services and servers pass Parse; with those
		// the result is a list of scopes that expands to itself.
		again, dropped, err := d.Expand(a.Strings(), Owner{})
		if err == nil && len(dropped) == 0 && !again.Equal(a) {
			t.Fatalf("%q expands to %q", a.Strings(), again.Strings())
		}
	})
}

// FuzzCompareServer holds the comparison without allocation to the plain one.
func FuzzCompareServer(f *testing.F) {
	f.Add("ada/lab", "ada", "lab")
	f.Add("ada", "ada", "")
	f.Add("ada0/x", "ada", "x")
	f.Add("ad", "ada", "x")
	f.Fuzz(func(t *testing.T, value, user, name string) {
		server := Server{user, name}
		if got, want := compareServer(value, server), cmp.Compare(value, server.String()); got != want {
			t.Fatalf("%q and %q: %d, want %d", value, server, got, want)
		}
	})
}
