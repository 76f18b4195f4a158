package api

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRepr(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "None", `true`: "True", `false`: "False", `1.50`: "1.5", `1e3`: "1000.0", `-2E-7`: "-2e-07",
		`1e999`: "inf", `-1e999`: "-inf", `1e16`: "1e+16", `12345678901234567890`: "12345678901234567890", `""`: "''", `"it's"`: `"it's"`,
		`"it's \"x\""`: `'it\'s "x"'`, `"\\\n\r\t\u0000\u200b\ud83d\ude00"`: `'\\\n\r\t\x00\u200b😀'`,
		`[1,["a"],{}]`: "[1, ['a'], {}]", `{"b":1,"a":null}`: "{'a': None, 'b': 1}", `"\udb40\udc01"`: `'\U000e0001'`,
	} {
		value, err := decodeBody([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := repr(value); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

func TestHalfCharacter(t *testing.T) {
	for body, want := range map[string]bool{
		`"\ud800"`: true, `"\uDC00"`: true, `"\ud800\ud800"`: true, `"\udc00\ud800"`: true, `"\ud800\\udc00"`: true,
		`"\ud83d\ude00"`: false, `"\\ud800"`: false, `"\ufffd"`: false, `"\u00e9"`: false, `"\\\ud83d\uDE00"`: false, `"\ud8`: false,
	} {
		if got := halfCharacter([]byte(body)); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

// FuzzDecodeBody demands that a body either is JSON, as one value, or is refused,
// and that whatever is said of it is short and valid text.
func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{"", "null", `{"a":[1,"x"]}`, `{"usernames":["é\u0000"]}`, "{} {}", "\xff", `"` + strings.Repeat("é", 300) + `"`, "1e400", "-0", `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, err := decodeBody(body)
		if valid := len(body) == 0 || json.Valid(body) && utf8.Valid(body) && !halfCharacter(body); valid != (err == nil) {
			t.Fatalf("%q: %v", body, err)
		}
		if err != nil {
			return
		}
		text := repr(value)
		if len(text) > maxRepr+len("...") || !utf8.ValidString(text) || text == "" {
			t.Fatalf("%q: said to be %q", body, text)
		}
		if model, is := value.(map[string]any); is {
			if err := checkUser(model); err == nil && len(model) > len(userTypes) {
				t.Fatalf("%q has keys that no user has", body)
			}
		}
		if list, ok := texts(value); ok && len(list) != len(value.([]any)) {
			t.Fatalf("%q: texts are lost", body)
		}
	})
}

// FuzzFind demands that a path leads to one endpoint at most, whose pattern it
// has, and that names come out as one decoding gives them.
func FuzzFind(f *testing.F) {
	a := New(Options{})
	for _, seed := range []string{"", "/", "/users/a%2Fb", "/users/ada/servers//progress", "/users/%zz", "/users/%ff/tokens/", "//", "/health/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		found, names, err := a.routes.find(path)
		if err != nil {
			return
		}
		if strings.Count(strings.TrimPrefix(path, "/"), "/") != strings.Count(found.pattern, "/")-1 {
			t.Fatalf("%q leads to %s", path, found.pattern)
		}
		for variable, name := range names {
			if !utf8.ValidString(name) || len(name) > maxNames || variable == varUser && name == "" {
				t.Fatalf("%q: %s is %q", path, variable, name)
			}
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	c := &call{API: New(Options{Now: func() time.Time { return now }})}
	for _, seed := range []string{"", "2026-01-01", "2026-11-22T00:59:00Z", "2026-11-22T01:00:00+00:00", "9999-12-31T23:59:59.999999999Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := c.timestamp(text)
		if err == nil && at.Sub(now) > maxAhead {
			t.Fatalf("%q is accepted: %v", text, at)
		}
		if err == nil && !strings.HasSuffix(isoFormat(at), "Z") {
			t.Fatalf("%q is written as %s", text, isoFormat(at))
		}
	})
}

func FuzzMagnitude(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "+7", "--1", "99999999999999999999", "1_0", "٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, ok := magnitude(text)
		if number < 0 || number > math.MaxInt32 || !ok && number != 0 {
			t.Fatalf("%q: %d %v", text, number, ok)
		}
	})
}

func TestStamp(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for want, at := range map[string]time.Time{
		"2024-05-01T12:00:00Z":        time.Date(2024, 5, 1, 13, 0, 0, 0, zone),
		"2024-05-01T12:00:00.123456Z": time.Date(2024, 5, 1, 12, 0, 0, 123456789, time.UTC),
		"2024-05-01T12:00:00.100000Z": time.Date(2024, 5, 1, 12, 0, 0, 1e8, time.UTC),
		"2024-05-01T12:00:01Z":        time.Date(2024, 5, 1, 12, 0, 1, 999, time.UTC),
	} {
		if got := stamp(at); got != want {
			t.Errorf("%v: %v, not %s", at, got, want)
		}
	}
	if stamp(time.Time{}) != nil {
		t.Error("no time is null")
	}
}
