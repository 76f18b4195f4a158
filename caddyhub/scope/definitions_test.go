package scope

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltinIsSound(t *testing.T) {
	t.Parallel()
	d := Builtin()
	for _, name := range d.All() {
		if s, err := d.Parse(name); err != nil || s.Name != name {
			t.Errorf("%q does not parse: %v", name, err)
		}
		for _, sub := range builtin[name].Subscopes {
			if !d.Exists(sub) {
				t.Errorf("%q includes %q, which does not exist", name, sub)
			}
		}
		text := builtin[name].Description
		if text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "\n") || len(text) > 100 {
			t.Errorf("the description of %q is not one short line without a full stop: %q", name, text)
		}
	}
	for _, name := range selfNames {
		if !d.Exists(name) {
			t.Errorf("self has %q, which does not exist", name)
		}
	}
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	d := Builtin()
	for name, want := range map[string][]string{
		"admin:users": {
			"admin:auth_state", "admin:users", "delete:users", "list:users", "read:roles:users",
			"read:users", "read:users:activity", "read:users:groups", "read:users:name", "users", "users:activity",
		},
		"admin:servers": {"admin:server_state", "admin:servers", "delete:servers", "read:servers", "read:users:name", "servers"},
		"shares": {
			"access:servers", "groups:shares", "read:groups:shares", "read:shares", "read:users:shares", "shares", "users:shares",
		},
		"proxy":   {"proxy"},
		"missing": nil,
	} {
		if diff := cmp.Diff(want, d.Includes(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	d.Includes("admin:users")[0] = "shutdown"
	if slices.Contains(d.Includes("admin:users"), "shutdown") {
		t.Error("a caller could change the definitions")
	}
}

func TestNewDefinitions(t *testing.T) {
	t.Parallel()
	d, err := NewDefinitions(map[string]Custom{
		"custom:app:*":    {Description: "All", Subscopes: []string{"custom:app:write"}},
		"custom:app:read": {Description: "Read"},
		"custom:app:write": {
			Description: "Write", Subscopes: []string{"custom:app:read"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"custom:app:*", "custom:app:read", "custom:app:write"}
	if diff := cmp.Diff(want, d.Includes("custom:app:*")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Builtin().Exists("custom:app:read") {
		t.Error("a custom scope became one of the built-in ones")
	}
}

func TestNewDefinitionsRefuses(t *testing.T) {
	t.Parallel()
	ok := func(subscopes ...string) Custom { return Custom{Description: "x", Subscopes: subscopes} }
	for name, tt := range map[string]struct {
		custom map[string]Custom
		says   string
	}{
		"no prefix":         {map[string]Custom{"app:read": ok()}, "name must be"},
		"redefinition":      {map[string]Custom{"users": ok()}, "name must be"},
		"too short":         {map[string]Custom{"custom:ab": ok()}, "name must be"},
		"capitals":          {map[string]Custom{"custom:App": ok()}, "name must be"},
		"hyphen at the end": {map[string]Custom{"custom:app-": ok()}, "name must be"},
		"colon first":       {map[string]Custom{"custom::app": ok()}, "name must be"},
		"line break":        {map[string]Custom{"custom:app\n": ok()}, "name must be"},
		"filter":            {map[string]Custom{"custom:app!user": ok()}, "name must be"},
		"no description":    {map[string]Custom{"custom:app": {Description: " "}}, "description is missing"},
		"built-in subscope": {map[string]Custom{"custom:app": ok("admin:users")}, `"admin:users" is not a custom one`},
		"unknown subscope":  {map[string]Custom{"custom:app": ok("custom:other")}, `"custom:other" is not defined`},
		"itself":            {map[string]Custom{"custom:app": ok("custom:app")}, "lead back"},
		"cycle": {
			map[string]Custom{"custom:one": ok("custom:two"), "custom:two": ok("custom:six"), "custom:six": ok("custom:one")},
			"lead back",
		},
		"everything at once": {map[string]Custom{"custom:app": ok("users"), "custom:two": {}}, "description is missing"},
	} {
		d, err := NewDefinitions(tt.custom)
		if d != nil || !errors.Is(err, ErrCustom) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	d := Builtin()
	if err := d.Validate([]string{"self", "inherit", "users!group=x", "access:servers!server", "(no_scope)"}); err != nil {
		t.Error(err)
	}
	err := d.Validate([]string{"users", "all", "users!", "custom:app:read"})
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrSyntax) {
		t.Errorf("got %v, want both ErrUnknown and ErrSyntax", err)
	}
	for _, text := range []string{`"all"`, `"users!"`, `"custom:app:read"`} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not name %s", err, text)
		}
	}
	if (&Definitions{}).Validate([]string{"users"}) == nil {
		t.Error("the zero Definitions knows a scope")
	}
}
