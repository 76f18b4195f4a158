package scope

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToken(t *testing.T) {
	t.Parallel()
	self := SelfScopes("ada")
	shared := self.Union(setOf(t, "access:servers!server=grace/lab"))
	onGrace := Owner{User: "ada", Client: Client{Server: Server{"grace", "lab"}}}
	for name, tt := range map[string]struct {
		scopes  []string
		owner   Owner
		held    Set
		want    []string
		dropped []string
	}{
		"no scopes still identify": {nil, ada, self, []string{"read:users:groups!user=ada", "read:users:name!user=ada"}, nil},
		"inherit, and nothing else counts": {
			[]string{"shutdown", "inherit", "no such scope"}, adaLab, setOf(t, "proxy"), []string{"proxy"}, nil,
		},
		"inherit of one who has nothing": {[]string{"inherit"}, adaLab, Set{}, []string{}, nil},
		"part of what the owner has": {
			[]string{"read:tokens!user"}, ada, self,
			[]string{"read:tokens!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada"}, nil,
		},
		"more than the owner has": {
			[]string{"shutdown", "proxy", "read:tokens"}, ada, self,
			[]string{"read:tokens!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada"},
			[]string{"proxy", "read:tokens", "shutdown"},
		},
		"the token in a server": {
			DefaultRoles()[2].Scopes, adaLab, self,
			[]string{
				"access:servers!server=ada/lab", "read:users:activity!user=ada", "read:users:groups!user=ada",
				"read:users:name!user=ada", "users:activity!user=ada",
			}, nil,
		},
		"login to a server that is shared": {
			nil, onGrace, shared,
			[]string{"access:servers!server=grace/lab", "read:users:groups!user=ada", "read:users:name!user=ada"}, nil,
		},
		"login after the share is revoked": {
			nil, onGrace, self,
			[]string{"read:users:groups!user=ada", "read:users:name!user=ada"},
			[]string{"access:servers!server=grace/lab"},
		},
		"a placeholder for nothing": {
			[]string{"access:servers!server"}, portal, setOf(t, "access:servers"), []string{},
			[]string{"access:servers!server", "read:services:name!service=portal"},
		},
	} {
		got, dropped, err := Builtin().Token(tt.scopes, tt.owner, tt.held, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got.Strings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var texts []string
		for _, d := range dropped {
			texts = append(texts, d.Scope)
			if !errors.Is(d.Reason, ErrNotHeld) && !errors.Is(d.Reason, ErrNoTarget) {
				t.Errorf("%s: %q dropped because %v", name, d.Scope, d.Reason)
			}
		}
		if diff := cmp.Diff(tt.dropped, texts); diff != "" {
			t.Errorf("%s: dropped (-want +got):\n%s", name, diff)
		}
	}
}

// A custom scope may go from the configuration while tokens with it live on.
func TestTokenOutlivesDefinition(t *testing.T) {
	t.Parallel()
	got, _, err := Builtin().Token([]string{"custom:gone:read", "read:tokens!user"}, ada, SelfScopes("ada"), nil)
	if !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if !got.Contains("read:tokens!user=ada") {
		t.Errorf("the other scopes are gone too: %v", got.Strings())
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	groups := memberships(map[string][]string{"ada": {"astro"}})
	for name, tt := range map[string]struct {
		requested, allowed []string
		owner              Owner
		granted, refused   []string
	}{
		"nothing":               {nil, []string{"self"}, ada, nil, nil},
		"literally":             {[]string{"inherit", "self", "self"}, []string{"self", "inherit"}, ada, []string{"inherit", "self"}, nil},
		"not at all":            {[]string{"shutdown", "inherit"}, []string{"self"}, ada, nil, []string{"inherit", "shutdown"}},
		"as a subscope":         {[]string{"read:users!user"}, []string{"self"}, ada, []string{"read:users!user"}, nil},
		"!server within !user":  {[]string{"access:servers!server"}, []string{"access:servers!user"}, adaLab, []string{"access:servers!server"}, nil},
		"user through a group":  {[]string{"servers!user"}, []string{"servers!group=astro"}, ada, []string{"servers!user"}, nil},
		"what means nothing":    {[]string{"self"}, []string{"proxy"}, portal, []string{"self"}, nil},
		"a part":                {[]string{"tokens"}, []string{"read:tokens!user"}, ada, []string{"read:tokens!user=ada"}, []string{"tokens"}},
		"a part, then the rest": {[]string{"tokens", "read:tokens!user"}, []string{"read:tokens"}, ada, []string{"read:tokens", "read:tokens!user"}, []string{"tokens"}},
	} {
		granted, refused, err := Builtin().Resolve(tt.requested, tt.allowed, tt.owner, groups)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.granted, granted); diff != "" {
			t.Errorf("%s: granted (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.refused, refused); diff != "" {
			t.Errorf("%s: refused (-want +got):\n%s", name, diff)
		}
	}
}

func TestResolveUnknown(t *testing.T) {
	t.Parallel()
	for _, tt := range [][2][]string{
		{{"users", "nonsense"}, {"users"}},
		{{"users"}, {"users", "nonsense"}},
		{{"users", "nonsense"}, {"users", "nonsense"}},
		{{"nonsense"}, nil},
	} {
		granted, _, err := Builtin().Resolve(tt[0], tt[1], ada, nil)
		if !errors.Is(err, ErrUnknown) || len(granted) > 0 {
			t.Errorf("%v of %v: granted %v, %v", tt[0], tt[1], granted, err)
		}
	}
}
