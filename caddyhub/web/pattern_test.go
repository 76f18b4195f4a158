package web

import (
	"regexp"
	"testing"
)

func TestBrowserPattern(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                    "",
		"[a-z0-9]+":           "[a-z0-9]+",
		"[a-z/]+":             `[a-z\/]+`,
		"[-a-z]{1,8}":         `[\-a-z]{1,8}`,
		"[^-(){}|]":           `[^\-\(\)\{\}\|]`,
		`[a\-z.]*`:            `[a\-z.]*`,
		"[a-z_-]":             `[a-z_\-]`,
		`\d{4}-\d\d?`:         `\d{4}-\d\d?`,
		"(a|(?:b|c))?":        "(a|(?:b|c))?",
		"v[0-9]+(\\.[0-9]+)*": `v[0-9]+(\.[0-9]+)*`,
		"#[0-9a-f]{6}":        "#[0-9a-f]{6}",
		"(?i)abc":             "",
		"(?P<year>x)":         "",
		"[[:alpha:]]+":        "",
		`\pL+`:                "",
		`\Qa.b\E`:             "",
		`\x41`:                "",
		`a\s`:                 "",
		"ä+":                  "",
		"[a&&b]":              "",
		"[]a]":                "",
		"[^]a]":               "",
		"a{,3}":               "",
		"a]":                  "",
		"a}":                  "",
		"{":                   "",
	} {
		if got := browserPattern(pattern); got != want {
			t.Errorf("%q became %q, want %q", pattern, got, want)
		}
	}
}

// FuzzBrowserPattern: what is handed on still is a regular expression, and means
// the same where both can read it.
func FuzzBrowserPattern(f *testing.F) {
	f.Add("[a-z/]+", "a/b")
	f.Add(`v\d{1,2}(-x)?`, "v12-x")
	f.Add("[-a](b|c){2}", "-bc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		ours, err := regexp.Compile("^(?:" + pattern + ")$")
		theirs := browserPattern(pattern)
		if err != nil || theirs == "" {
			return
		}
		compiled, err := regexp.Compile("^(?:" + theirs + ")$")
		if err != nil {
			t.Fatalf("%q became %q: %v", pattern, theirs, err)
		}
		if ours.MatchString(text) != compiled.MatchString(text) {
			t.Fatalf("%q became %q, which differs for %q", pattern, theirs, text)
		}
	})
}
