package useroptions

import (
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// machine is a form with an option of each kind.
func machine(t testing.TB) *Form {
	t.Helper()
	return form(t,
		Option{
			Name: "size", Label: "Size", Default: "small", Override: sets("SIZE", "{value}"),
			Choices: []Choice{
				{Value: "small", Override: spawner.Override{MemLimit: "1G"}},
				{Value: "large", Groups: []string{"gpu", "staff"}, Override: sets("GPU", "1")},
			},
		},
		Option{Name: "branch", MaxLength: 8, Pattern: `[a-z{}/.]*`, Override: sets("BRANCH", "{value}")},
		Option{Name: "notes", Kind: TextArea, Override: sets("NOTES", "{value}")},
		Option{Name: "memory", Kind: Number, Min: "1", Max: "16", Step: "0.5", Default: "2", Override: spawner.Override{MemLimit: "{value}G"}},
		Option{Name: "debug", Kind: Checkbox, Override: sets("DEBUG", "1")},
	)
}

func form(t testing.TB, options ...Option) *Form {
	t.Helper()
	f, err := New(Config{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sets(name, value string) spawner.Override {
	return spawner.Override{Environment: map[string]*string{name: &value}}
}

func TestNewRefuses(t *testing.T) {
	two := []Choice{{Value: "a"}, {Value: "b"}}
	for name, test := range map[string]struct {
		option Option
		want   string
	}{
		"no name":           {Option{}, "a name has 1 to 64"},
		"name of ours":      {Option{Name: "_xsrf"}, "a name has 1 to 64"},
		"name of a link":    {Option{Name: "next"}, `not "next"`},
		"long name":         {Option{Name: strings.Repeat("n", 65)}, "a name has 1 to 64"},
		"unknown type":      {Option{Name: "x", Kind: "file"}, `type "file" is none of select, radio, text, textarea, number, checkbox`},
		"no choices":        {Option{Name: "x", Kind: Radio}, "a radio needs choices"},
		"choices of text":   {Option{Name: "x", Kind: Text, Choices: two}, "a text has no choices"},
		"choice twice":      {Option{Name: "x", Choices: []Choice{{Value: "a"}, {Value: "a"}}}, "choice a is given twice"},
		"empty choice":      {Option{Name: "x", Choices: []Choice{{}}}, "a choice has no value"},
		"default":           {Option{Name: "x", Choices: two, Default: "c"}, `the default "c" is none of the choices`},
		"default number":    {Option{Name: "x", Kind: Number, Max: "3", Default: "4"}, "default: must be at most 3"},
		"default checkbox":  {Option{Name: "x", Kind: Checkbox, Default: "maybe"}, "default: must be true or false"},
		"default text":      {Option{Name: "x", Pattern: "[0-9]+", Default: "a"}, "default: \"a\" does not have the form"},
		"pattern":           {Option{Name: "x", Pattern: "("}, "pattern: error parsing regexp"},
		"pattern of choice": {Option{Name: "x", Choices: two, Pattern: "a"}, "pattern, max_length and placeholder are for text"},
		"length":            {Option{Name: "x", MaxLength: 1 << 20}, "max_length is 1 to 8000"},
		"bound of text":     {Option{Name: "x", Max: "3"}, "min, max and step are for number"},
		"bounds":            {Option{Name: "x", Kind: Number, Min: "3", Max: "1"}, "min is above max"},
		"no bound":          {Option{Name: "x", Kind: Number, Min: "little"}, `min: "little" is not a number`},
		"step":              {Option{Name: "x", Kind: Number, Step: "0"}, "step is above 0"},
		"text as argument":  {Option{Name: "x", Override: spawner.Override{Spawner: map[string][]string{"args": {"{value}"}}}}, "args: {value} of a text can only be"},
		"text as folder":    {Option{Name: "x", Override: spawner.Override{NotebookDir: "/srv/{value}"}}, "notebook_dir: {value} of a text can only be"},
		"number unbounded":  {Option{Name: "x", Kind: Number, Override: spawner.Override{MemLimit: "{value}G"}}, "mem_limit: a number that decides this needs a max"},
		"checkbox value":    {Option{Name: "x", Kind: Checkbox, Override: sets("A", "{value}")}, "environment: a checkbox has no {value}"},
		"choice no size":    {Option{Name: "x", Choices: two, Override: spawner.Override{MemLimit: "{value}"}}, `mem_limit: spawner: invalid argument: "a" is not a size`},
		"number no size":    {Option{Name: "x", Kind: Number, Max: "8", Min: "0", Override: spawner.Override{MemLimit: "{value}G"}}, `"0G" is not a size`},
		"choice no folder":  {Option{Name: "x", Choices: []Choice{{Value: "..", Override: spawner.Override{NotebookDir: "/srv/{value}"}}}}, "a path with"},
	} {
		_, err := New(Config{Options: []Option{test.option}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := New(Config{Options: []Option{{Name: "x"}, {Name: "x"}}}); err == nil || !strings.Contains(err.Error(), "option x is given twice") {
		t.Errorf("the same name: %v", err)
	}
}

func TestNothingIsAsked(t *testing.T) {
	var none *Form
	empty, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Form{"nil": none, "empty": empty} {
		if f.Asks() || f.HTML() != "" || f.Fields(nil, nil) != nil || f.Overrides() != nil {
			t.Errorf("%s: a form that asks nothing asks something", name)
		}
		if list, err := f.Resolve([]byte(`{"a": [1, {"b": null}]}`), nil); list != nil || err != nil {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	if f, _ := New(Config{HTML: "<b>x</b>"}); !f.Asks() || f.HTML() != "<b>x</b>" {
		t.Error("HTML alone is a form")
	}
}

// TestOverridesAreExamples: whoever checks a configuration sees all that the
// options may do.
func TestOverridesAreExamples(t *testing.T) {
	seen := make(map[string]bool)
	for _, override := range machine(t).Overrides() {
		seen[override.MemLimit] = true
		for name, value := range override.Environment {
			seen[name+"="+*value] = true
		}
	}
	for _, want := range []string{"SIZE=small", "SIZE=large", "1G", "GPU=1", "16G", "2G", "DEBUG=1"} {
		if !seen[want] {
			t.Errorf("no override shows %s: %v", want, seen)
		}
	}
}
