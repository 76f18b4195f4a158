package service

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for text, want := range map[string][]string{
		"":                        nil,
		"\n\n":                    nil,
		"one":                     {"one"},
		"one\r\ntwo\n":            {"one", "two"},
		long + "secret\nnext\n":   {long, "next"},
		long + long + "\n" + "y":  {long, "y"},
		"a\x00b\xff\n\x1b[31mc\n": {"a\x00b\xff", "\x1b[31mc"},
	} {
		var got []string
		eachLine(strings.NewReader(text), func(line string) { got = append(got, line) })
		if !slices.Equal(got, want) {
			t.Errorf("%.40q: %.80q, want %.80q", text, got, want)
		}
	}
}

// Secrets are blotted out wherever they stand, also those that begin alike.
func TestSecrets(t *testing.T) {
	log := new(logged)
	tell := (&task{log: slog.New(slog.NewTextHandler(log, nil))}).output([]string{"token-1", "token-1-and-more", "abc", "", "first line of it\nsecond line\n"})
	for _, line := range []string{"Authorization: token token-1", "token-1-and-more", "x=token-1&y=token-1", "abc", "a second line"} {
		tell(line)
	}
	text := log.String()
	if strings.Contains(text, "token-1") || strings.Contains(text, "and-more") || strings.Contains(text, "second") || strings.Count(text, blot) != 5 {
		t.Errorf("the log says %s", text)
	}
	if !strings.Contains(text, "line=abc") {
		t.Error("a text too short for a secret was blotted out")
	}
}

func FuzzEachLine(f *testing.F) {
	f.Add("one\ntwo", 3)
	f.Fuzz(func(t *testing.T, text string, times int) {
		text = strings.Repeat(text, min(max(times, 0), 1000))
		eachLine(strings.NewReader(text), func(line string) {
			if line == "" || len(line) > maxLine || strings.Contains(line, "\n") {
				t.Errorf("line %.40q of %d bytes", line, len(line))
			}
		})
	})
}
