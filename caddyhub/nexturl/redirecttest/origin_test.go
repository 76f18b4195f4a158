package redirecttest

import (
	"strings"
	"testing"
)

func TestOrigin(t *testing.T) {
	const base = "https://hub.example.org"
	for location, want := range map[string]string{
		"": base, "/": base, "/hub/home?next=//e": base, "x": base, "?//e": base, "#//e": base, "/x//e": base, "https:x": base, "https:/x": base, "1:2": base,
		"//e": "https://e", "///e/x": "https://e", `/\e`: "https://e", `\\e`: "https://e", "/\t/e": "https://e", " //e": "https://e", "\x01//e": "https://e",
		"https://e": "https://e", "https:///e": "https://e", `HTTPS:\\E`: "https://e", "http:e": "http://e", "http:/e": "http://e", "http://hub.example.org/": "http://hub.example.org",
		"//hub.example.org@e/": "https://e", `//e\@hub.example.org`: "https://e", "//e?@hub.example.org": "https://e", "javascript:1": "javascript:", "java\tscript:1": "javascript:",
		"https://hub.example.org/a": base, "https://x@hub.example.org/": base,
	} {
		if got := Origin(base, location); got != want {
			t.Errorf("%q leads to %s, want %s", location, got, want)
		}
	}
}

// The list has what a careless place would follow.
func TestTargets(t *testing.T) {
	const base = "https://hub.example.org"
	away, seen := 0, map[string]bool{}
	for _, target := range Targets() {
		if seen[target] {
			t.Errorf("%q twice", target)
		}
		seen[target] = true
		if Origin(base, target) != base {
			away++
		}
	}
	if away < 60 || len(seen) < 150 {
		t.Errorf("%d targets, %d lead away", len(seen), away)
	}
	if got := Origin(base, "/"+strings.TrimPrefix("//"+Evil, "/")); got != "https://"+Evil {
		t.Errorf("a slash in front does not help: %s", got)
	}
}
