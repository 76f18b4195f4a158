package authenticator

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// directory is what a hub knows of its users: their groups.
type directory map[string][]string

func (d directory) LookupUser(_ context.Context, name string) (bool, []string, error) {
	if name == "trouble" {
		return false, nil, errors.New("the store is away")
	}
	groups, exists := d[name]
	return exists, groups, nil
}

func TestCheck(t *testing.T) {
	users := directory{"old": nil, "grace": {"navy"}, "ada": {"analysts"}}
	for name, test := range map[string]struct {
		rules    Rules
		identity Identity
		open     bool
		want     error
	}{
		"no rule":                          {Rules{}, Identity{Name: "ada"}, false, ErrNotAllowed},
		"no rule, open by default":         {Rules{}, Identity{Name: "ada"}, true, nil},
		"open, but a rule":                 {Rules{Allow: []string{"ada"}}, Identity{Name: "eve"}, true, ErrNotAllowed},
		"open, blocked":                    {Rules{Blocked: []string{"eve"}}, Identity{Name: "eve"}, true, ErrNotAllowed},
		"open, only admins listed":         {Rules{Admins: []string{"ada"}}, Identity{Name: "eve"}, true, nil},
		"all":                              {Rules{AllowAll: true}, Identity{Name: "eve"}, false, nil},
		"all, blocked":                     {Rules{AllowAll: true, Blocked: []string{"EVE"}}, Identity{Name: "eve"}, false, ErrNotAllowed},
		"by name":                          {Rules{Allow: []string{"Ada"}}, Identity{Name: "ada"}, false, nil},
		"by name, another":                 {Rules{Allow: []string{"ada"}}, Identity{Name: "adam"}, false, ErrNotAllowed},
		"by name, blocked":                 {Rules{Allow: []string{"ada"}, Blocked: []string{"ada"}}, Identity{Name: "ada"}, false, ErrNotAllowed},
		"listed admin":                     {Rules{Admins: []string{"ada"}}, Identity{Name: "ada"}, false, nil},
		"listed admin, blocked":            {Rules{Admins: []string{"ada"}, Blocked: []string{"ada"}}, Identity{Name: "ada"}, false, ErrNotAllowed},
		"listed admin, others":             {Rules{Admins: []string{"ada"}}, Identity{Name: "eve"}, false, ErrNotAllowed},
		"declared admin":                   {Rules{}, Identity{Name: "ada", Admin: new(true)}, false, nil},
		"declared no admin":                {Rules{}, Identity{Name: "ada", Admin: new(false)}, false, ErrNotAllowed},
		"declared admin, blocked":          {Rules{Blocked: []string{"ada"}}, Identity{Name: "ada", Admin: new(true)}, false, ErrNotAllowed},
		"group told":                       {Rules{AllowGroups: []string{"navy"}}, Identity{Name: "x", Groups: []string{"a", "navy"}}, false, nil},
		"group told in another case":       {Rules{AllowGroups: []string{"navy"}}, Identity{Name: "x", Groups: []string{"Navy"}}, false, ErrNotAllowed},
		"group told, blocked":              {Rules{AllowGroups: []string{"navy"}, Blocked: []string{"x"}}, Identity{Name: "x", Groups: []string{"navy"}}, false, ErrNotAllowed},
		"group known to the hub":           {Rules{AllowGroups: []string{"navy"}}, Identity{Name: "grace"}, false, nil},
		"group known, but told another":    {Rules{AllowGroups: []string{"navy"}}, Identity{Name: "grace", Groups: []string{}}, false, ErrNotAllowed},
		"another group known":              {Rules{AllowGroups: []string{"navy"}}, Identity{Name: "ada"}, false, ErrNotAllowed},
		"existing user, names listed":      {Rules{Allow: []string{"ada"}}, Identity{Name: "old"}, false, nil},
		"existing user, switched off":      {Rules{Allow: []string{"ada"}, AllowExisting: new(false)}, Identity{Name: "old"}, false, ErrNotAllowed},
		"existing user, no names":          {Rules{AllowGroups: []string{"x"}}, Identity{Name: "old"}, false, ErrNotAllowed},
		"existing user, switched on":       {Rules{AllowExisting: new(true)}, Identity{Name: "old"}, false, nil},
		"existing user, on, but new":       {Rules{AllowExisting: new(true)}, Identity{Name: "new"}, true, ErrNotAllowed},
		"the hub cannot tell":              {Rules{AllowExisting: new(true)}, Identity{Name: "trouble"}, false, ErrUnavailable},
		"the hub cannot tell groups":       {Rules{AllowGroups: []string{"x"}}, Identity{Name: "trouble"}, false, ErrUnavailable},
		"the hub need not tell":            {Rules{Allow: []string{"trouble"}}, Identity{Name: "trouble"}, false, nil},
		"the hub need not tell for groups": {Rules{AllowGroups: []string{"x"}}, Identity{Name: "trouble", Groups: []string{}}, false, ErrNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := newRuleset(test.rules)
			if err != nil {
				t.Fatal(err)
			}
			if err := set.check(t.Context(), &test.identity, test.open, users); !errors.Is(err, test.want) {
				t.Errorf("check = %v, want %v", err, test.want)
			}
		})
	}
}

func TestNormalise(t *testing.T) {
	set, err := newRuleset(Rules{
		UsernamePattern: "(?i)[a-z]+|admin-", UsernameMap: map[string]string{"Ada@Example.ORG": "ADA", "ada": "ada", "grace hopper": "grace", "bad": "x1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		"ADA@example.org": "ada", "Ada": "ada", "Grace Hopper": "grace", "grace": "grace", "eve": "eve",
		"eve1": "eve1", // the pattern holds the beginning, not the end
		"1eve": "", "": "", "a/b": "", " ada": "", "\u200bada": "",
	} {
		got, err := set.normalise(raw)
		if got != want || (want == "") != errors.Is(err, ErrInvalidName) {
			t.Errorf("normalise(%q) = %q, %v, want %q", raw, got, err, want)
		}
		if again, err := set.normalise(got); want != "" && (err != nil || again != got) {
			t.Errorf("normalise(%q) = %q, %v: not stable", got, again, err)
		}
	}
}

// A flag inside the pattern must not move its anchor.
func TestPatternStaysAnchored(t *testing.T) {
	for _, pattern := range []string{"ada", "(?m)ada", "(?m)^ada", "x|ada"} {
		set, err := newRuleset(Rules{UsernamePattern: pattern})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := set.normalise("not ada"); !errors.Is(err, ErrInvalidName) {
			t.Errorf("%q matched inside the name", pattern)
		}
		if _, err := set.normalise("ada"); err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestRulesThatCannotWork(t *testing.T) {
	for want, rules := range map[string]Rules{
		"username_pattern":                {UsernamePattern: "(?=look)ahead"},
		"allow: \"a/b\"":                  {Allow: []string{"ada", "a/b"}},
		"admins: \"\"":                    {Admins: []string{""}},
		"blocked: \"eve \"":               {Blocked: []string{"eve "}},
		"allow_group: empty":              {AllowGroups: []string{" "}},
		"does not match username_pattern": {UsernamePattern: "[a-z]+$", Allow: []string{"r2d2"}},
		"username_map: target":            {UsernameMap: map[string]string{"a": "b/c"}},
		"is mapped to both":               {UsernameMap: map[string]string{"A": "b", "a": "c"}},
		"write the last name at once":     {UsernameMap: map[string]string{"a": "b", "b": "c"}},
	} {
		if _, err := newRuleset(rules); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
