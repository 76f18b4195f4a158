package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
)

// asking makes a site that asks for options.
func asking(t *testing.T, config useroptions.Config) func(*setup) {
	t.Helper()
	form, err := useroptions.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *setup) { s.UserOptions = form }
}

func machine() useroptions.Config {
	return useroptions.Config{Options: []useroptions.Option{
		{Name: "size", Label: "Size <of> it", Help: "How much.", Choices: []useroptions.Choice{
			{Value: "small"}, {Value: "large", Label: "Large & fast"}, {Value: "gpu", Groups: []string{"gpu"}},
		}},
		{Name: "branch", Pattern: "[a-z]*", MaxLength: 9, Placeholder: "main"},
		{Name: "memory", Kind: useroptions.Number, Min: "1", Max: "8", Default: "2"},
		{Name: "debug", Kind: useroptions.Checkbox},
		{Name: "notes", Kind: useroptions.TextArea},
	}}
}

// filled reads what the fields of the form on a page hold.
func filled(t *testing.T, got answer) map[string]string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	selected := ""
	for node := range root.Descendants() {
		at := make(map[string]string)
		for _, a := range node.Attr {
			at[a.Key] = a.Val
		}
		_, checked := at["checked"]
		switch _, is := at["selected"]; {
		case node.Data == "select":
			selected = at["name"]
			values[selected] = ""
		case node.Data == "option" && is:
			values[selected] = at["value"]
		case node.Data == "textarea" && node.FirstChild != nil:
			values[at["name"]] = node.FirstChild.Data
		case node.Data == "input" && at["type"] == "checkbox" && checked:
			values[at["name"]] = "on"
		case node.Data == "input" && (at["type"] == "number" || at["type"] == "text"):
			values[at["name"]] = at["value"]
		}
	}
	return values
}

// TestOptionsForm is the life of a form: asked, refused, corrected, remembered.
func TestOptionsForm(t *testing.T) {
	s := newSite(t, asking(t, machine()))
	p := s.person().login("ada")
	got := p.get("/hub/spawn?next=/user/ada/lab")
	for _, text := range []string{
		`action="/hub/spawn/ada?next=%2Fuser%2Fada%2Flab"`, `name="_xsrf"`, "Size &lt;of&gt; it", "Large &amp; fast",
		`pattern="[a-z]*"`, `maxlength="9"`, `placeholder="main"`, `min="1"`, `max="8"`, `step="1"`,
	} {
		got.want(t, "form", http.StatusOK, text)
	}
	if strings.Contains(got.body, `value="gpu"`) {
		t.Error("a choice is offered that the user may not have")
	}
	if diff := cmp.Diff(map[string]string{"size": "small", "branch": "", "memory": "2"}, filled(t, got)); diff != "" {
		t.Errorf("the defaults: %s", diff)
	}
	if found := s.settle("ada", ""); found.Active() || found.SpawnID != "" {
		t.Fatalf("showing the form has started %+v", found)
	}

	wrong := url.Values{"size": {"large"}, "branch": {"<B>"}, "memory": {"9"}, "debug": {"on"}, "notes": {"</textarea>x"}}
	got = p.submit("/hub/spawn", "/hub/spawn/ada?next=/user/ada/lab", wrong)
	got.want(t, "refused", http.StatusBadRequest, `role="alert">Invalid user options: branch: &#34;&lt;B&gt;&#34; does not have the form`)
	got.want(t, "refused, next", http.StatusBadRequest, `action="/hub/spawn/ada?next=%2Fuser%2Fada%2Flab"`)
	sent := map[string]string{"size": "large", "branch": "<B>", "memory": "9", "debug": "on", "notes": "</textarea>x"}
	if diff := cmp.Diff(sent, filled(t, got)); diff != "" {
		t.Errorf("what was sent is not there to be corrected: %s", diff)
	}

	right := url.Values{"size": {"large"}, "branch": {"dev"}, "memory": {"4"}, "debug": {"on"}}
	p.submit("/hub/spawn", "/hub/spawn/ada?next=/user/ada/lab", right).
		want(t, "accepted", http.StatusFound, "/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab")
	s.settle("ada", "")
	want := map[string]any{"size": "large", "branch": "dev", "memory": 4.0, "debug": true}
	if diff := cmp.Diff(want, s.spawner.options(t)); diff != "" {
		t.Errorf("options: %s", diff)
	}
	p.get("/hub/spawn").want(t, "running", http.StatusFound, "/user/ada/")
	p.submit("/hub/home", "/hub/spawn", right).want(t, "form while running", http.StatusBadRequest, "ada is already running")

	p.submit("/hub/home", "/hub/stop/ada", nil)
	s.settle("ada", "")
	remembered := map[string]string{"size": "large", "branch": "dev", "memory": "4", "debug": "on"}
	if diff := cmp.Diff(remembered, filled(t, p.get("/hub/spawn"))); diff != "" {
		t.Errorf("what was chosen last is not chosen: %s", diff)
	}
}

func TestOptionsFormIsProved(t *testing.T) {
	s := newSite(t, asking(t, machine()))
	p := s.person().login("ada")
	p.post("/hub/spawn", url.Values{"size": {"small"}}).want(t, "without _xsrf", http.StatusForbidden, "This form is too old")
	other := s.person().login("bob")
	p.post("/hub/spawn", url.Values{"size": {"small"}, "_xsrf": {other.get("/hub/spawn").xsrf()}}).
		want(t, "the _xsrf of another", http.StatusForbidden, "This form is too old")
	other.get("/hub/spawn/ada").want(t, "the form of another", http.StatusNotFound, "No access")
	if found := s.settle("ada", ""); found.SpawnID != "" {
		t.Error("started")
	}
}

func TestOptionsInQuery(t *testing.T) {
	s := newSite(t, asking(t, machine()))
	p := s.person().login("ada")
	got := p.get("/hub/spawn?size=huge&debug=on&next=/user/ada/lab")
	got.want(t, "refused", http.StatusBadRequest, "is none of the choices: small, large")
	got.want(t, "refused", http.StatusBadRequest, `action="/hub/spawn/ada?next=%2Fuser%2Fada%2Flab"`)
	if diff := cmp.Diff("on", filled(t, got)["debug"]); diff != "" {
		t.Error(diff)
	}
	p.get("/hub/spawn?size=small&size=large").want(t, "two values", http.StatusBadRequest, "takes one value, not 2")
	p.get("/hub/spawn?size=gpu").want(t, "not for everybody", http.StatusBadRequest, "is none of the choices")
	p.get("/hub/spawn?a=%FF").want(t, "no text", http.StatusBadRequest, "not text in UTF-8")
	p.get("/hub/spawn?size=large&x=1&x=2").want(t, "accepted", http.StatusFound, "/hub/spawn-pending/ada?size=large&x=1&x=2")
	s.settle("ada", "")
	want := map[string]any{"size": "large", "x": []any{"1", "2"}}
	if diff := cmp.Diff(want, s.spawner.options(t)); diff != "" {
		t.Errorf("options: %s", diff)
	}

	plain := newSite(t).person().login("ada")
	plain.get("/hub/spawn?a="+strings.Repeat("x", 65<<10)).want(t, "too long", http.StatusBadRequest, "Invalid user options")
}

// TestOwnForm: the operator's HTML is shown as it is, and what it asks is stored
// as JupyterHub does.
func TestOwnForm(t *testing.T) {
	for name, test := range map[string]struct {
		simple bool
		want   map[string]any
	}{
		"passthrough": {false, map[string]any{"image": []any{"a"}, "debug": []any{"on"}, "many": []any{"1", "2"}}},
		"simple":      {true, map[string]any{"image": "a", "debug": true, "many": []any{"1", "2"}}},
	} {
		s := newSite(t, asking(t, useroptions.Config{HTML: `<label>Image <input name="image"></label>`, Simple: test.simple}))
		p := s.person().login("ada")
		p.get("/hub/spawn").want(t, name, http.StatusOK, `<label>Image <input name="image"></label>`)
		p.submit("/hub/spawn", "/hub/spawn", url.Values{"image": {"a"}, "debug": {"on"}, "many": {"1", "2"}}).
			want(t, name, http.StatusFound, "/hub/spawn-pending/ada")
		s.settle("ada", "")
		if diff := cmp.Diff(test.want, s.spawner.options(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestOptionsFormShowsFailures: another choice may be all it takes.
func TestOptionsFormShowsFailures(t *testing.T) {
	s := newSite(t, asking(t, machine()), admin("grace"), func(s *setup) { s.Named = server.NamedServers{Enabled: true, LimitPerUser: 1} })
	p, grace := s.person().login("ada"), s.person().login("grace")
	s.spawner.fails = &spawner.Error{Status: http.StatusConflict, Message: "No <GPU> left."}
	got := p.submit("/hub/spawn", "/hub/spawn", url.Values{"size": {"large"}})
	for _, text := range []string{`id="spawn_form"`, "No &lt;GPU&gt; left.", "Traceback &lt;script&gt;"} {
		got.want(t, "failed", http.StatusConflict, text)
	}
	if diff := cmp.Diff("large", filled(t, got)["size"]); diff != "" {
		t.Error(diff)
	}
	p.get("/hub/spawn-pending/ada").want(t, "afterwards", http.StatusConflict, "Relaunch")
	s.spawner.fails = errors.New("connect: secret detail")
	if got := p.get("/hub/spawn?size=small"); strings.Contains(got.body, "secret detail") || got.StatusCode != http.StatusInternalServerError {
		t.Errorf("internals, or status %d:\n%s", got.StatusCode, got.body)
	}
	s.spawner.fails = nil

	p.submit("/hub/spawn/ada/lab", "/hub/spawn/ada/lab", nil).want(t, "named", http.StatusFound, "/hub/spawn-pending/ada/lab")
	s.settle("ada", "lab")
	p.get("/hub/spawn/ada/second").want(t, "limit", http.StatusBadRequest, "already has the maximum of 1 named servers.")
	grace.get("/hub/spawn/nobody").want(t, "nobody", http.StatusNotFound, "No such user: nobody")
	grace.get("/hub/spawn/ada").want(t, "for somebody else", http.StatusOK, "The server of <bdi>ada</bdi>")
	s.store.Away.Store(true)
	if got := p.get("/hub/spawn"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("store away: %d", got.StatusCode)
	}
}
