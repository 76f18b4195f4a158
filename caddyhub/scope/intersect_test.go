package scope

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIntersect(t *testing.T) {
	t.Parallel()
	groups := memberships(map[string][]string{"ada": {"astro"}, "grace": {"astro", "navy"}})
	for name, tt := range map[string]struct {
		a, b          []string
		want, unknown []string // unknown: without group membership, if it differs
	}{
		"different scopes":     {a: []string{"users"}, b: []string{"groups"}},
		"both unfiltered":      {a: []string{"users"}, b: []string{"users"}, want: []string{"users"}},
		"one unfiltered":       {a: []string{"users"}, b: []string{"users!user=ada", "users!group=g"}, want: []string{"users!group=g", "users!user=ada"}},
		"same kind":            {a: []string{"users!user=ada", "users!user=x"}, b: []string{"users!user=ada", "users!user=y"}, want: []string{"users!user=ada"}},
		"nothing in common":    {a: []string{"users!user=ada"}, b: []string{"users!user=grace"}},
		"server of a user":     {a: []string{"servers!server=ada/lab", "servers!server=x/"}, b: []string{"servers!user=ada"}, want: []string{"servers!server=ada/lab"}},
		"user of a server":     {a: []string{"servers!user=ada"}, b: []string{"servers!server=ada/lab"}, want: []string{"servers!server=ada/lab"}},
		"user in a group":      {a: []string{"users!user=ada", "users!user=linus"}, b: []string{"users!group=astro"}, want: []string{"users!user=ada"}, unknown: []string{}},
		"server of a member":   {a: []string{"servers!group=navy"}, b: []string{"servers!server=grace/", "servers!server=ada/"}, want: []string{"servers!server=grace/"}, unknown: []string{}},
		"two groups, one user": {a: []string{"users!group=astro"}, b: []string{"users!group=navy"}},
		"groups by name":       {a: []string{"groups!group=astro", "groups!group=x"}, b: []string{"groups!group=astro"}, want: []string{"groups!group=astro"}},
		"service is no user":   {a: []string{"proxy!service=ada"}, b: []string{"proxy!user=ada", "proxy!group=astro"}},
		"user beside server": {
			a:    []string{"servers!user=ada", "servers!server=grace/"},
			b:    []string{"servers!user=grace", "servers!server=ada/lab"},
			want: []string{"servers!server=ada/lab", "servers!server=grace/"},
		},
	} {
		a, b := setOf(t, tt.a...), setOf(t, tt.b...)
		if tt.want == nil {
			tt.want = []string{}
		}
		if tt.unknown == nil {
			tt.unknown = tt.want
		}
		for _, got := range []Set{Intersect(a, b, groups), Intersect(b, a, groups)} {
			if diff := cmp.Diff(tt.want, got.Strings()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if left := got.Missing(a, groups); len(left) > 0 {
				t.Errorf("%s: more than one side permits: %v", name, left)
			}
		}
		if diff := cmp.Diff(tt.unknown, Intersect(a, b, nil).Strings()); diff != "" {
			t.Errorf("%s, membership unknown (-want +got):\n%s", name, diff)
		}
	}
}

func TestIntersectAsksOncePerUser(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	groups := func(user string) []string { asked[user]++; return nil }
	a := setOf(t, "users!user=ada", "servers!server=ada/", "tokens!user=ada", "tokens!user=grace")
	b := setOf(t, "users!group=g", "servers!group=g", "tokens!group=g")
	Intersect(a, b, groups)
	if diff := cmp.Diff(map[string]int{"ada": 1, "grace": 1}, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	groups := memberships(map[string][]string{"ada": {"astro"}})
	for name, tt := range map[string]struct {
		wanted, held, want []string
	}{
		"nothing wanted":           {nil, nil, nil},
		"nothing held":             {[]string{"users", "groups!group=g"}, nil, []string{"groups!group=g", "users"}},
		"broader held":             {[]string{"users!user=ada", "users!group=g"}, []string{"users"}, nil},
		"narrower held":            {[]string{"users"}, []string{"users!user=ada"}, []string{"users"}},
		"own server":               {[]string{"servers!server=ada/lab"}, []string{"servers!user=ada"}, nil},
		"user for one server":      {[]string{"servers!user=ada"}, []string{"servers!server=ada/lab"}, []string{"servers!user=ada"}},
		"member":                   {[]string{"servers!user=ada", "servers!user=grace"}, []string{"servers!group=astro"}, []string{"servers!user=grace"}},
		"group for all its people": {[]string{"servers!group=astro"}, []string{"servers!user=ada"}, []string{"servers!group=astro"}},
	} {
		if diff := cmp.Diff(tt.want, setOf(t, tt.wanted...).Missing(setOf(t, tt.held...), groups)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
