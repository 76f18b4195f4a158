package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// TestServersInJSON: what a Caddyfile refuses on its line, JSON may still have.
func TestServersInJSON(t *testing.T) {
	for name, test := range map[string]struct{ servers, want string }{
		"good": {`{"mem_limit": "2G", "options": [{"name": "size", "choices": [{"value": "a", "spawner": {"args": ["-a"]}}]}],
			"group_overrides": [{"name": "g", "groups": ["g"], "environment": {"A": null}}]}`, ""},
		"limit":            {`{"mem_limit": "much"}`, `mem_limit: spawner: invalid argument: "much" is not a size`},
		"no groups":        {`{"group_overrides": [{"name": "g"}]}`, "group_override g: no groups"},
		"twice":            {`{"group_overrides": [{"name": "g", "groups": ["a"]}, {"name": "g", "groups": ["b"]}]}`, `group_override "g" is given twice`},
		"not its own":      {`{"group_overrides": [{"name": "g", "groups": ["a"], "spawner": {"home": ["/"]}}]}`, `group_override g: the spawner has no "home" that can differ between servers; it has: args`},
		"option, own":      {`{"options": [{"name": "x", "type": "checkbox", "spawner": {"home": ["/"]}}]}`, `option x: the spawner has no "home"`},
		"choice, own":      {`{"options": [{"name": "x", "choices": [{"value": "a", "spawner": {"home": ["/"]}}]}]}`, `option x: choice a: the spawner has no "home"`},
		"option twice":     {`{"options": [{"name": "x"}, {"name": "x"}]}`, "option x is given twice"},
		"option type":      {`{"options": [{"name": "x", "type": "colour"}]}`, `type "colour" is none of`},
		"options of forms": {`{"options_from_form": "clever"}`, `options_from_form "clever" is neither`},
	} {
		var servers Servers
		if err := json.Unmarshal([]byte(test.servers), &servers); err != nil {
			t.Fatal(err)
		}
		err := servers.checkOverrides([]string{"args"})
		if _, limits := servers.limits(); limits != nil {
			err = limits
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if err := new(App).checkServers(); err != nil {
		t.Errorf("nothing configured: %v", err)
	}
	if err := (&App{Servers: &Servers{CPULimit: "many"}}).checkServers(); err == nil {
		t.Error("the app does not look at its servers")
	}
}

// TestServersApply: what is configured reaches the settings.
func TestServersApply(t *testing.T) {
	servers := Servers{
		MemLimit: "2G", CPULimit: "1.5", OptionsForm: "<b>{x}</b>", OptionsFromForm: "simple",
		Options:        []Option{{Name: "size", Choices: []Choice{{Value: "a"}}}},
		GroupOverrides: []GroupOverride{{Name: "g", Groups: []string{"staff"}, Override: Override{CPULimit: "2"}}},
	}
	var settings server.Settings
	if err := servers.apply(&settings); err != nil {
		t.Fatal(err)
	}
	if settings.Launch.Resources.MemLimit != 2<<30 || settings.Launch.Resources.CPULimit != 1.5 {
		t.Errorf("limits %+v", settings.Launch.Resources)
	}
	if !settings.UserOptions.Asks() || settings.UserOptions.HTML() != "<b>{x}</b>" || len(settings.UserOptions.Fields(nil, nil)) != 1 {
		t.Errorf("asked: %+v", settings.UserOptions)
	}
	if diff := cmp.Diff([]string{"staff"}, settings.GroupOverrides[0].Groups); diff != "" || settings.GroupOverrides[0].Override.CPULimit != "2" {
		t.Errorf("group overrides %+v", settings.GroupOverrides)
	}
}

// TestOptionsFormElsewhere: a placeholder alone is looked up, braces of HTML are
// left alone, and a form that cannot be read is no empty form.
func TestOptionsFormElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "form.html")
	if err := os.WriteFile(file, []byte("<input name=x>"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FORM", "<b>env</b>")
	for text, want := range map[string]string{
		"{file." + file + "}": "<input name=x>", "{env.FORM}": "<b>env</b>", "": "",
		"<p>{env.FORM}</p>": "<p>{env.FORM}</p>", "{other.x}": "{other.x}",
	} {
		servers := Servers{OptionsForm: text}
		if got, err := servers.optionsHTML(); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	missing := Servers{OptionsForm: "{file." + file + ".missing}"}
	if _, err := missing.optionsHTML(); err == nil || !strings.Contains(err.Error(), "is empty or cannot be read") {
		t.Errorf("a missing file: %v", err)
	}
	if err := missing.apply(new(server.Settings)); err == nil {
		t.Error("a missing file is no form, and nobody says so")
	}
}
