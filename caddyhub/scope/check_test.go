package scope

import "testing"

// memberships is a GroupsOf over a fixed map.
func memberships(groups map[string][]string) GroupsOf {
	return func(user string) []string { return groups[user] }
}

func TestCheck(t *testing.T) {
	t.Parallel()
	groups := memberships(map[string][]string{"ada": {"x", "astro"}, "": {"astro"}})
	for _, tt := range []struct {
		held string
		on   Resource
		want Access
	}{
		{"servers", Resource{}, Granted},
		{"servers", OnServer("ada", "lab"), Granted},
		{"servers", OnUser("ada"), Granted},
		{"groups", OnUser("ada"), None},

		{"servers!user=ada", Resource{}, None},
		{"servers!user=ada", OnUser("ada"), Granted},
		{"servers!user=ada", OnServer("ada", ""), Granted},
		{"servers!user=ada", OnServer("ada", "lab"), Granted},
		{"servers!user=ada", OnServer("ada2", "lab"), Elsewhere},
		{"servers!user=ada", OnUser("grace"), Elsewhere},
		{"servers!user=ada", OnUser("Ada"), Elsewhere},
		{"servers!user=ada", OnUser(""), Elsewhere},
		{"servers!user=ada", OnGroup("ada"), Elsewhere},
		{"servers!user=ada", OnService("ada"), Elsewhere},

		{"servers!server=ada/", Resource{}, None},
		{"servers!server=ada/", OnServer("ada", ""), Granted},
		{"servers!server=ada/", OnServer("ada", "lab"), Elsewhere},
		{"servers!server=ada/", OnServer("", "ada/"), Elsewhere},
		{"servers!server=ada/lab", OnServer("ada", "lab"), Granted},
		{"servers!server=ada/lab", OnServer("ada", "la"), Elsewhere},
		{"servers!server=ada/lab", OnServer("ada", "lab2"), Elsewhere},
		{"servers!server=ada/lab", OnServer("ad", "a/lab"), Elsewhere},
		{"servers!server=ada/lab", OnServer("grace", "lab"), Elsewhere},
		{"servers!server=ada/lab", OnUser("ada"), Elsewhere},
		{"servers!server=ada/lab/x", OnServer("ada/lab", "x"), Elsewhere},
		{"servers!server=ada/lab/x", OnServer("ada", "lab/x"), Granted},

		{"servers!group=astro", Resource{}, None},
		{"servers!group=astro", OnGroup("astro"), Granted},
		{"servers!group=astro", OnGroup("x"), Elsewhere},
		{"servers!group=astro", OnUser("ada"), Granted},
		{"servers!group=astro", OnUser("grace"), Elsewhere},
		{"servers!group=astro", OnUser("astro"), Elsewhere},
		{"servers!group=astro", OnUser(""), Elsewhere},
		{"servers!group=astro", OnServer("ada", "lab"), Granted},
		{"servers!group=astro", OnServer("grace", ""), Elsewhere},
		{"servers!group=astro", OnServer("a/b", ""), Elsewhere},
		{"servers!group=astro", OnService("astro"), Elsewhere},

		{"servers!service=portal", OnService("portal"), Granted},
		{"servers!service=portal", OnService("other"), Elsewhere},
		{"servers!service=portal", OnUser("portal"), Elsewhere},
	} {
		if got := setOf(t, tt.held).Check("servers", tt.on, groups); got != tt.want {
			t.Errorf("%s on %+v: %v, want %v", tt.held, tt.on, got, tt.want)
		}
	}
}

func TestCheckWithoutGroups(t *testing.T) {
	t.Parallel()
	held := setOf(t, "servers!group=astro")
	if got := held.Check("servers", OnUser("ada"), nil); got != Elsewhere {
		t.Errorf("membership unknown: %s", got)
	}
	if got := held.Check("servers", OnGroup("astro"), nil); got != Granted {
		t.Errorf("the group itself: %s", got)
	}
}

// Membership may cost the caller a look-up, so it is only asked when it decides.
func TestCheckAsksForGroupsOnlyWhenNeeded(t *testing.T) {
	t.Parallel()
	asked := 0
	groups := func(string) []string { asked++; return []string{"astro"} }
	held := setOf(t, "users", "servers!group=astro", "servers!user=ada", "tokens!user=ada")
	for name, on := range map[string]Resource{"users": OnUser("ada"), "servers": OnServer("ada", ""), "tokens": OnUser("grace")} {
		held.Check(name, on, groups)
	}
	if asked != 0 {
		t.Errorf("asked %d times for nothing", asked)
	}
	if held.Check("servers", OnUser("grace"), groups) != Granted || asked != 1 {
		t.Errorf("asked %d times for one decision", asked)
	}
}

func TestCheckAny(t *testing.T) {
	t.Parallel()
	held := setOf(t, "read:users!user=ada", "list:users")
	for _, tt := range []struct {
		names []string
		want  Access
	}{
		{nil, None},
		{[]string{"proxy"}, None},
		{[]string{"proxy", "read:users"}, Elsewhere},
		{[]string{"read:users", "proxy"}, Elsewhere},
		{[]string{"read:users", "list:users"}, Granted},
		{[]string{"list:users", "read:users"}, Granted},
	} {
		if got := held.CheckAny(OnUser("grace"), nil, tt.names...); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.names, got, tt.want)
		}
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	held := SelfScopes("ada").Union(setOf(t, "access:servers!server=grace/lab", "access:servers!group=astro"))
	groups := memberships(map[string][]string{"linus": {"astro"}})
	for _, on := range []Resource{OnUser("ada"), OnServer("ada", "lab"), OnServer("grace", "lab"), OnServer("linus", ""), OnGroup("x")} {
		if n := testing.AllocsPerRun(100, func() { held.CheckAny(on, groups, "proxy", "access:servers") }); n != 0 {
			t.Errorf("%+v: %v allocations", on, n)
		}
	}
}

func TestAccessString(t *testing.T) {
	t.Parallel()
	for access, want := range map[Access]string{None: "none", Elsewhere: "elsewhere", Granted: "granted", 99: "none"} {
		if got := access.String(); got != want {
			t.Errorf("%d: %q", int(access), got)
		}
	}
}
