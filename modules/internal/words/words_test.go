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
	})
	return s, err
}

func TestBlock(t *testing.T) {
	got, err := read(t, "thing {\n name ada\n names a b\n names c\n on\n timeout 14d\n limit 3\n}")
	if err != nil {
		t.Fatal(err)
	}
	if got.name != "ada" || strings.Join(got.names, " ") != "a b c" || !got.on ||
		got.timeout != Duration(14*24*time.Hour) || got.limit != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"nmae ada":       `unknown word "nmae"; did you mean "name"?`,
		"zzzzzzzz":       `known are: limit, name, names, on, timeout`,
		"name a\nname b": `"name" is given twice`,
		"name":           "name takes one value, not 0",
		"name a b":       "name takes one value, not 2",
		"names":          "names takes one or more values",
		"on yes":         "on takes no value",
		"timeout 15":     `duration "15" has no unit: write 15s for seconds, 15m for minutes, 15h for hours or 15d for days`,
		"timeout 1.5":    "has no unit",
		"timeout soon":   `"soon" is not a duration`,
		"timeout -5m":    "is negative",
		"limit -1":       "a whole number that is not negative",
		"limit many":     "a whole number that is not negative",
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
		"embeded": "embedded", "reddis": "redis", "Redis": "redis", "mysql": "", "": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
