package osprocess

import (
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	rest := " S 1 42 43 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 987654 1 2 3"
	for _, name := range []string{"sh", "a b", ") R 1 1 1", "((", "\n"} {
		got, err := parseStat(7, []byte("7 ("+name+")"+rest))
		if want := (Info{PID: 7, Group: 42, Session: 43, Ticks: 987654}); err != nil || got != want {
			t.Errorf("program %q: %+v, %v, want %+v", name, got, err, want)
		}
	}
	if got, err := parseStat(7, []byte("7 (sh)"+strings.Replace(rest, "S", "Z", 1))); err != nil || !got.Zombie {
		t.Errorf("a zombie: %+v, %v", got, err)
	}
	for _, text := range []string{"", "7", "7 (sh)", "7 (sh) S 1 2 3", "7 (sh" + rest, "7 (sh)" + strings.Replace(rest, "42", "x", 1)} {
		if got, err := parseStat(7, []byte(text)); err == nil {
			t.Errorf("parseStat(%q): %+v", text, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (a) b) S 1 42 43 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 987654 1 2 3"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := parseStat(7, data); err == nil && got.PID != 7 {
			t.Errorf("parseStat: %+v", got)
		}
	})
}
