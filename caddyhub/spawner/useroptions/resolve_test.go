package useroptions

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// effect is what options come to, as text.
func effect(f *Form, options string, groups ...string) (string, error) {
	list, err := f.Resolve(json.RawMessage(options), groups)
	var words []string
	for _, override := range list {
		for _, name := range slices.Sorted(maps.Keys(override.Environment)) {
			words = append(words, name+"="+*override.Environment[name])
		}
		if override.MemLimit != "" {
			words = append(words, "mem="+override.MemLimit)
		}
	}
	return strings.Join(words, " "), err
}

func TestResolve(t *testing.T) {
	f := machine(t)
	for _, test := range []struct{ options, want string }{
		{``, "SIZE=small mem=1G mem=2G"},
		{`{}`, "SIZE=small mem=1G mem=2G"},
		{`{"size": null, "debug": null}`, "SIZE=small mem=1G mem=2G"},
		{`{"size": "large", "memory": 4.5, "debug": true}`, "SIZE=large GPU=1 mem=4.5G DEBUG=1"},
		{`{"size": ["large"], "memory": ["16"], "debug": ["on"]}`, "SIZE=large GPU=1 mem=16G DEBUG=1"},
		{`{"memory": "", "branch": ""}`, "SIZE=small mem=1G"},
		{`{"memory": 1.0, "debug": false, "unknown": [{"x": 1}]}`, "SIZE=small mem=1G mem=1G"},
		{`{"branch": "{value}"}`, "SIZE=small mem=1G BRANCH={value} mem=2G"},
		{`{"branch": "ab{x}/.."}`, "SIZE=small mem=1G BRANCH=ab{x}/.. mem=2G"},
		{`{"notes": "a\r\nb\tc"}`, "SIZE=small mem=1G NOTES=a\nb\tc mem=2G"},
	} {
		got, err := effect(f, test.options, "gpu")
		if got != test.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", test.options, got, err, test.want)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	f := machine(t)
	for _, test := range []struct{ options, want string }{
		{`[]`, "The options are no JSON object."},
		{`null`, "The options are no JSON object."},
		{`"x"`, "The options are no JSON object."},
		{`{`, "The options are no JSON object."},
		{`{"size": "huge"}`, `Size: "huge" is none of the choices: small`},
		{`{"size": "large"}`, `Size: "large" is none of the choices: small`},
		{`{"size": ""}`, `Size: "" is none of the choices: small`},
		{`{"size": "SMALL"}`, `Size: "SMALL" is none of the choices: small`},
		{`{"size": ["small", "large"]}`, "Size: takes one value, not 2"},
		{`{"size": []}`, "Size: takes one value, not 0"},
		{`{"size": {"a": 1}}`, "Size: must be a text, a number, true or false"},
		{`{"size": [["small"]]}`, "Size: must be a text, a number, true or false"},
		{`{"branch": "ABC"}`, `branch: "ABC" does not have the form that is asked for`},
		{`{"branch": "abcdefghi"}`, "branch: has more than 8 characters"},
		{`{"branch": "a\nb"}`, "branch: has control characters in it"},
		{`{"branch": "a\u0000b"}`, "branch: has control characters in it"},
		{`{"notes": "a\u001bb"}`, "notes: has control characters in it"},
		{`{"notes": "` + strings.Repeat("ü", 8001) + `"}`, "notes: has more than 8000 characters"},
		{`{"memory": 17}`, "memory: must be at most 16"},
		{`{"memory": 0.5}`, "memory: must be at least 1"},
		{`{"memory": -4}`, "memory: must be at least 1"},
		{`{"memory": 2.25}`, "memory: must be a multiple of 0.5"},
		{`{"memory": 1e1}`, `memory: "1e1" is not a number`},
		{`{"memory": "NaN"}`, `memory: "NaN" is not a number`},
		{`{"memory": true}`, `memory: "true" is not a number`},
		{`{"memory": 99999999999999999999}`, `memory: "99999999999999999999" is not a number`},
		{`{"debug": "perhaps"}`, `debug: must be true or false, not "perhaps"`},
		{`{"debug": 1}`, `debug: must be true or false, not "1"`},
		{`{"size": "` + strings.Repeat("<", 500) + `"}`, `Size: "` + strings.Repeat("<", 40) + `…" is none of`},
	} {
		_, err := effect(f, test.options)
		if err == nil || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: %v, want %q", test.options, err, test.want)
		}
	}
}

func TestGroupsDecideWhatMayBeChosen(t *testing.T) {
	f := form(t, Option{Name: "gpu", Default: "a100", Choices: []Choice{
		{Value: "a100", Groups: []string{"gpu"}}, {Value: "t4", Groups: []string{"staff", "gpu"}},
	}, Override: sets("GPU", "{value}")})
	for _, test := range []struct {
		groups  []string
		options string
		want    string
		refused bool
	}{
		{nil, `{}`, "", false},
		{nil, `{"gpu": "t4"}`, "", true},
		{[]string{"staff"}, `{}`, "GPU=t4", false},
		{[]string{"staff"}, `{"gpu": "a100"}`, "", true},
		{[]string{"x", "gpu"}, `{}`, "GPU=a100", false},
	} {
		got, err := effect(f, test.options, test.groups...)
		if got != test.want || (err != nil) != test.refused {
			t.Errorf("%v, %s: %q, %v", test.groups, test.options, got, err)
		}
	}
	if fields := f.Fields(nil, nil); len(fields) != 0 {
		t.Errorf("an option without choices is asked: %+v", fields)
	}
	if fields := f.Fields(nil, []string{"staff"}); len(fields) != 1 || len(fields[0].Choices) != 1 || fields[0].Value != "t4" {
		t.Errorf("staff is asked %+v", fields)
	}
}

func TestRequired(t *testing.T) {
	f := form(t,
		Option{Name: "terms", Kind: Checkbox, Required: true},
		Option{Name: "project", Required: true},
		Option{Name: "hours", Kind: Number, Required: true, Default: "8"},
	)
	for options, want := range map[string]string{
		`{}`:                               "terms: must be given",
		`{"terms": true}`:                  "project: must be given",
		`{"terms": true, "project": ""}`:   "project: must be given",
		`{"terms": false, "project": "x"}`: "terms: must be given",
		`{"terms": true, "project": "x", "hours": ""}`: "hours: must be given",
		`{"terms": true, "project": "x"}`:              "",
	} {
		_, err := effect(f, options)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
	}
}

func TestFields(t *testing.T) {
	f := machine(t)
	shown := func(options string, groups ...string) map[string]string {
		values := make(map[string]string)
		for _, field := range f.Fields(json.RawMessage(options), groups) {
			values[field.Name] = field.Value
		}
		return values
	}
	for _, test := range []struct {
		options string
		want    map[string]string
	}{
		{``, map[string]string{"size": "small", "branch": "", "notes": "", "memory": "2", "debug": ""}},
		{`not JSON`, map[string]string{"size": "small", "branch": "", "notes": "", "memory": "2", "debug": ""}},
		{`{"size": "large", "branch": "dev", "memory": 4, "debug": true}`,
			map[string]string{"size": "small", "branch": "dev", "notes": "", "memory": "4", "debug": "on"}},
		{`{"branch": "<B>", "memory": "999", "debug": {}, "size": 7}`,
			map[string]string{"size": "small", "branch": "<B>", "notes": "", "memory": "999", "debug": ""}},
	} {
		if diff := cmp.Diff(test.want, shown(test.options)); diff != "" {
			t.Errorf("%s: %s", test.options, diff)
		}
	}
	if got := shown(`{"size": "large"}`, "staff")["size"]; got != "large" {
		t.Errorf("a member finds %q chosen", got)
	}
}
