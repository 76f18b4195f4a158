package words

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// settings are what the blocks of these tests are read into.
type settings struct {
	name    string
	names   []string
	on      bool
	timeout Duration
	limit   int
	pairs   map[string]string
}

func read(t *testing.T, text string) (settings, error) {
	t.Helper()
	var s settings
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	err := Block(d, "thing", map[string]Word{
		"name":    ToText(&s.name),
		"names":   ToTexts(&s.names),
		"on":      ToTrue(&s.on),
		"timeout": ToDuration(&s.timeout),
		"limit":   ToNumber(&s.limit),
		"pair": Many(func(d *caddyfile.Dispenser) error {
			return Pair(d, "a letter and a number", &s.pairs, Plain)
		}),
	})
	return s, err
}

func TestBlock(t *testing.T) {
	got, err := read(t, "thing {\n name ada\n names a b\n names c\n on\n timeout 14d\n limit 3\n pair a 1\n pair b 2\n}")
	if err != nil {
		t.Fatal(err)
	}
	if got.name != "ada" || strings.Join(got.names, " ") != "a b c" || !got.on ||
		got.timeout != Duration(14*24*time.Hour) || got.limit != 3 || len(got.pairs) != 2 || got.pairs["b"] != "2" {
		t.Errorf("got %+v", got)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"nmae ada":           `unknown word "nmae"; did you mean "name"?`,
		"pair a":             "pair takes a letter and a number",
		"pair a 1\npair a 2": `pair "a" is given twice`,
		"zzzzzzzz":           `known are: limit, name, names, on, pair, timeout`,
		"name a\nname b":     `"name" is given twice`,
		"name":               "name takes one value, not 0",
		"name a b":           "name takes one value, not 2",
		"names":              "names takes one or more values",
		"on yes":             "on takes no value",
		"timeout 0m":         `timeout: duration "0m" is zero; leave it out for the default`,
		"timeout 15":         `timeout: duration "15" has no unit: write 15s for seconds, 15m for minutes, 15h for hours or 15d for days`,
		"timeout 1.5":        "has no unit",
		"timeout soon":       `"soon" is not a duration`,
		"timeout -5m":        "is negative",
		"limit -1":           "a whole number that is not negative",
		"limit many":         "a whole number that is not negative",
	} {
		_, err := read(t, "thing {\n"+text+"\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%q: error %v does not say file and line", text, err)
		}
	}
}

func TestDurationInJSON(t *testing.T) {
	var d Duration
	if err := json.Unmarshal([]byte(`"90s"`), &d); err != nil || d != Duration(90*time.Second) {
		t.Errorf("got %v, %v", d, err)
	}
	text, err := json.Marshal(d)
	if err != nil || string(text) != `"1m30s"` {
		t.Errorf("written as %s, %v", text, err)
	}
	for _, bad := range []string{"90", "1e9", `"90"`, `""`, "true", `{}`} {
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%s was taken for %v", bad, time.Duration(d))
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"embedded", "redis"}
	for word, want := range map[string]string{
		"embeded": "embedded", "reddis": "redis", "Redis": "redis", "mysql": "", "": "", "rdeis": "redis",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// module reads a module with one option.
func module(text string) error {
	var name string
	return Module(caddyfile.NewTestDispenser(text), "store thing", map[string]Word{"name": ToText(&name)})
}

func TestModule(t *testing.T) {
	if err := module("thing {\n name ada\n}"); err != nil {
		t.Error(err)
	}
	err := module("thing ada")
	if want := "store thing takes no value on its line; its options stand in a block: name"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want one with %q", err, want)
	}
	err = Module(caddyfile.NewTestDispenser("hub now"), "hub", nil)
	if err == nil || !strings.Contains(err.Error(), "hub takes no value, at Testfile:1") {
		t.Errorf("error %v", err)
	}
}

// A block whose words are read in two places has one list of known words.
func TestAlso(t *testing.T) {
	more := map[string]Word{"start_timeout": {}}
	err := Also(module("thing {\n strat_timeout 5s\n}"), more)
	if want := `store thing: unknown word "strat_timeout"; did you mean "start_timeout"?, at Testfile:2`; err == nil || err.Error() != want {
		t.Errorf("error %v; want %q", err, want)
	}
	err = Also(module("thing {\n zzz\n}"), more)
	if want := "known are: name, start_timeout, at Testfile:2"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v; want one that ends in %q", err, want)
	}
	if other := module("thing ada"); Also(other, more) != other {
		t.Error("another error was changed")
	}
	if Also(nil, more) != nil {
		t.Error("an error out of nothing")
	}
}

func TestNamedModule(t *testing.T) {
	parse := func(text string) (name, kind string, pairs map[string]string, lists map[string][]string, err error) {
		err = NamedModule(caddyfile.NewTestDispenser(text), "thing", &name, map[string]Word{
			"kind": ToChoice(&kind, "small", "large"), "pair": ToPairs(&pairs), "list": ToLists(&lists),
		}, map[string]string{"size": `"kind"`})
		return name, kind, pairs, lists, err
	}
	name, kind, pairs, lists, err := parse("thing my-name_2 {\n kind large\n pair a 1\n list b 1 2\n}")
	if err != nil || name != "my-name_2" || kind != "large" || pairs["a"] != "1" || strings.Join(lists["b"], " ") != "1 2" {
		t.Errorf("got %q %q %v %v, %v", name, kind, pairs, lists, err)
	}
	if name, _, _, _, err := parse("thing"); name != "" || err != nil {
		t.Errorf("without a name: %q, %v", name, err)
	}
	for text, want := range map[string]string{
		"thing a b":                          "at most one name",
		"thing Name":                         `the name "Name" does not fit`,
		"thing a/b":                          "does not fit",
		"thing " + strings.Repeat("a", 33):   "does not fit",
		"thing {\n kind huge\n}":             `kind takes "small" or "large", not "huge"`,
		"thing {\n kind\n}":                  "kind takes one value",
		"thing {\n size large\n}":            `for JupyterHub's size write "kind"`,
		"thing {\n knd large\n}":             `did you mean "kind"?`,
		"thing {\n pair a\n}":                "pair takes a name and a value",
		"thing {\n pair a 1\n pair a 2\n}":   `pair "a" is given twice`,
		"thing {\n list a\n}":                "list takes a name and one or more values",
		"thing {\n list a 1\n list a 2 3\n}": `list "a" is given twice`,
	} {
		if _, _, _, _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
	}
}
