package authenticator

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCanonical(t *testing.T) {
	for raw, want := range map[string]string{
		"ada": "ada", "Ada Lovelace": "ada lovelace", "ADA@Example.ORG": "ada@example.org",
		"ÅSA": "åsa", "A\u030aSA": "åsa", "\u212bsa": "åsa", // composed, decomposed, the sign for Ångström
		"\u212aay": "kay", // the sign for Kelvin
		"ΝΊΚΟΣ":    "νίκος",
		"İrem":     "i\u0307rem", // stays apart from irem
		"ırem":     "ırem",
		"STRAẞE":   "straße",
		"a/B":      "a/b",
	} {
		if got := Canonical(raw); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestValidateName(t *testing.T) {
	valid := []string{
		"a", "ada lovelace", "ada@example.org", "o'brien", "åsa", "νίκος", "straße", "李", "ада", "50%", "domain\\ada", "...", ".hidden",
		"i\u0307rem", "a!b=c,d", "{env.home}", "-rf", strings.Repeat("a", MaxNameLength),
	}
	for _, name := range valid {
		if err := ValidateName(name); err != nil {
			t.Errorf("ValidateName(%q) = %v", name, err)
		}
	}
	for name, why := range map[string]string{
		"": "empty", "a/b": "slash", "/": "slash", ".": "path", "..": "path", " ada": "space", "ada ": "space", "\tada": "space", " ": "space",
		"ada\n": "space", "ada\u00a0": "space", "a\x00a": "invisible", "a\nb": "invisible", "a\x7fb": "invisible", "a\u0085b": "invisible",
		"a\u200bb": "invisible", "\u202eada": "invisible", "ada\ufeff": "invisible", "a\u00adb": "invisible", "a\u00a0b": "invisible",
		"a\u2028b": "invisible", "a\U000e0041": "invisible", "\xffada": "UTF-8", "ada\xc0\xaf": "UTF-8", "\ue000": "invisible",
		"ａｄａ": "compatibility", "ﬁona": "compatibility", "ſam": "compatibility", "a²": "compatibility", "ada／b": "compatibility",
		"Ada": "canonical", "a\u030asa": "compatibility", strings.Repeat("a", MaxNameLength+1): "longer",
	} {
		err := ValidateName(name)
		if !errors.Is(err, ErrInvalidName) || !strings.Contains(err.Error(), why) {
			t.Errorf("ValidateName(%.40q) = %v, want ErrInvalidName with %q", name, err, why)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{
		"ada", "ΝΊΚΟΣ", "İ", "ẞ", "A\u030a", "ǅ", "\u0345", "\u1fbc", "a/b", "\x00", "\xff", "ｆ", " x ", "..", "\u0130\u0307", "ß", "Σ\u0301", "Ⅷ", "Ⓐ", "Ꭰ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := Canonical(raw)
		if ValidateName(name) != nil {
			return
		}
		if again := Canonical(name); again != name {
			t.Errorf("canonical form of %q is %q, and of that %q", raw, name, again)
		}
		if name == "" || len(name) > MaxNameLength || !utf8.ValidString(name) || strings.Contains(name, "/") ||
			strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name {
			t.Errorf("%q became the valid name %q", raw, name)
		}
		// Whoever holds down shift is the same user.
		for _, variant := range []string{asciiUpper(name), mixedCase(name)} {
			if got := Canonical(variant); got != name {
				t.Errorf("canonical form of %q is %q, of its variant %q it is %q", raw, name, variant, got)
			}
		}
		if shown := ForLog(raw); len(shown) > MaxLogBytes || !utf8.ValidString(shown) || strings.ContainsFunc(shown, unicode.IsControl) {
			t.Errorf("ForLog(%q) = %q", raw, shown)
		}
	})
}

func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// mixedCase raises every other letter that has exactly one other form.
func mixedCase(s string) string {
	i := 0
	return strings.Map(func(r rune) rune {
		i++
		upper := unicode.SimpleFold(r)
		if i%2 == 0 || upper == r || unicode.SimpleFold(upper) != r || unicode.ToLower(upper) != r {
			return r
		}
		return upper
	}, s)
}

func TestForLog(t *testing.T) {
	for name, want := range map[string]string{
		"ada": "ada", "a\nb\x00": "a?b?", "a\xffb": "a?b", "": "", strings.Repeat("x", 256): strings.Repeat("x", 256),
		strings.Repeat("x", 1<<20): strings.Repeat("x", 253) + "...",
		strings.Repeat("é", 200):   strings.Repeat("é", 126) + "...",
	} {
		if got := ForLog(name); got != want {
			t.Errorf("ForLog(%.40q) = %q, want %q", name, got, want)
		}
	}
}
