package useroptions

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromForm(t *testing.T) {
	var none *Form
	simple, err := New(Config{HTML: "<input>", Simple: true})
	if err != nil {
		t.Fatal(err)
	}
	fields := url.Values{"size": {"large"}, "debug": {"on"}, "many": {"1", "2"}, "memory": {"04.50"}}
	for name, test := range map[string]struct {
		form   *Form
		fields url.Values
		want   string
	}{
		"passthrough": {none, fields, `{"debug":["on"],"many":["1","2"],"memory":["04.50"],"size":["large"]}`},
		"simple":      {simple, fields, `{"debug":true,"many":["1","2"],"memory":"04.50","size":"large"}`},
		"declared":    {machine(t), fields, `{"debug":true,"many":["1","2"],"memory":4.5,"size":"large"}`},
		"not checked": {machine(t), url.Values{}, `{"debug":false}`},
		"off":         {machine(t), url.Values{"debug": {"off"}}, `{"debug":false}`},
		"not typed":   {machine(t), url.Values{"memory": {"x"}, "debug": {"x"}, "size": {"a", "b"}}, `{"debug":"x","memory":"x","size":["a","b"]}`},
		"nothing":     {none, nil, `{}`},
	} {
		got, err := test.form.FromForm(test.fields, nil)
		if string(got) != test.want || err != nil {
			t.Errorf("%s: %s, %v, want %s", name, got, err, test.want)
		}
	}
	got, err := machine(t).FromQuery(url.Values{"size": {"large"}})
	if string(got) != `{"size":"large"}` || err != nil {
		t.Errorf("query: %s, %v", got, err)
	}
}

func TestFiles(t *testing.T) {
	files := map[string][]File{"config": {{Filename: "a.yaml", ContentType: "text/yaml", Body: []byte("x: 1")}}}
	got, err := machine(t).FromForm(url.Values{"debug": {"on"}}, files)
	want := `{"config_file":[{"filename":"a.yaml","content_type":"text/yaml","body":"eDogMQ=="}],"debug":true}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestFormsInOtherCharacters(t *testing.T) {
	for name, fields := range map[string]url.Values{
		"value": {"a": {"x", "\xff"}}, "name": {"\xff": {"x"}},
	} {
		var none *Form
		if _, err := none.FromForm(fields, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("form, %s: %v", name, err)
		}
		if _, err := none.FromQuery(fields); !errors.Is(err, ErrInvalid) {
			t.Errorf("query, %s: %v", name, err)
		}
	}
	if _, err := machine(t).FromForm(nil, map[string][]File{"\xff": {{}}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("file: %v", err)
	}
}

// FuzzForm holds forms to what the rest relies on: what was read is a JSON
// object, reads the same again, and does only what the operator wrote.
func FuzzForm(f *testing.F) {
	f.Add("size=large&debug=on&memory=4.5&branch=dev&notes=a%0Db", "gpu")
	f.Add("size=large&size=small&memory=1e400&x=%FF", "")
	f.Add("branch=%7Bvalue%7D&debug=true&memory=-0", "staff")
	form := machine(f)
	f.Fuzz(func(t *testing.T, query, group string) {
		fields, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		options, err := form.FromForm(fields, nil)
		if err != nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(options, &object); err != nil || object == nil {
			t.Fatalf("%q became %s: %v", query, options, err)
		}
		list, err := form.Resolve(options, []string{group})
		again, _ := form.Resolve(options, []string{group})
		if diff := cmp.Diff(list, again); diff != "" {
			t.Fatal(diff)
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for _, override := range list {
			if err := override.Check(); err != nil {
				t.Fatalf("%q does what was never checked: %v", query, err)
			}
			if _, gpu := override.Environment["GPU"]; gpu && group != "gpu" && group != "staff" {
				t.Fatalf("%q gave a GPU to %q", query, group)
			}
		}
		for _, field := range form.Fields(options, []string{group}) {
			if field.Kind == Select && field.Value != "small" && field.Value != "large" {
				t.Fatalf("%q shows %q", query, field.Value)
			}
		}
	})
}
