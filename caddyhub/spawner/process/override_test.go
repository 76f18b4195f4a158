//go:build unix

package process

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// TestOverriddenCommand: a request may have another command, other arguments, or
// both; what it does not have is as usual.
func TestOverriddenCommand(t *testing.T) {
	o := shell(t, `echo "usual $*"; echo end`)
	o.Args = []string{"sh", "{username}"}
	for name, test := range map[string]struct {
		overrides map[string][]string
		want      string
	}{
		"nothing":   {nil, "usual a%20b"},
		"arguments": {map[string][]string{"args": {"sh", "--size=large", "{username}"}}, "usual --size=large a%20b"},
		"no more":   {map[string][]string{"args": {}}, "usual "},
		"command":   {map[string][]string{"command": {"/bin/sh", "-c", `echo "other $1"; echo end`}}, "other a%20b"},
		"both": {map[string][]string{
			"command": {"/bin/sh", "-c", `echo "other $*"; echo end`}, "args": {"sh", "x y", "$HOME"},
		}, "other x y $HOME"},
	} {
		r := request("a b", "")
		r.Overrides = test.overrides
		_, known := begin(t, newSpawner(t, o), r)
		if got, _, _ := strings.Cut(logged(t, known, "end"), "\n"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestOverridesThatAreRefused(t *testing.T) {
	s := newSpawner(t, shell(t, "true"))
	for name, test := range map[string]struct {
		word   string
		values []string
	}{
		"account":     {"user", []string{"root"}},
		"folder":      {"home", []string{"/"}},
		"no such":     {"image", []string{"x"}},
		"no command":  {"command", nil},
		"no program":  {"command", []string{""}},
		"no template": {"args", []string{"{value}"}},
	} {
		if err := s.CheckOverride(test.word, test.values); !errors.Is(err, spawner.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.CheckOverride("args", []string{"--debug", "{username}"}); err != nil {
		t.Error(err)
	}
	r := request("ada", "")
	r.Overrides = map[string][]string{"command": {""}}
	if _, err := s.Start(t.Context(), r, &keeper{}); !errors.Is(err, spawner.ErrInvalid) {
		t.Errorf("started with an override that was never agreed to: %v", err)
	}
}
