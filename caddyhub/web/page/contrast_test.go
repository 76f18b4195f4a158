package page

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// TestContrast measures the pairs of colours that text is written in, with the
// formula of WCAG 2.2: 4.5 to 1 for text, 3 to 1 for the edges of controls.
func TestContrast(t *testing.T) {
	css := string(newPages(t, Options{}).assets.files["theme.css"].data)
	light := colours(t, css, ":root {")
	dark := colours(t, css, "prefers-color-scheme: dark")
	pairs := []struct {
		text, ground string
		least        float64
	}{
		{"ink", "paper", 7}, {"ink", "surface", 7}, {"ink", "accent-soft", 4.5},
		{"muted", "paper", 4.5}, {"muted", "surface", 4.5}, {"muted", "accent-soft", 4.5},
		{"accent", "paper", 4.5}, {"accent", "surface", 4.5}, {"accent", "accent-soft", 4.5},
		{"accent-hover", "surface", 4.5}, {"accent-hover", "paper", 4.5},
		{"on-accent", "accent", 4.5}, {"on-accent", "accent-hover", 4.5},
		{"good", "surface", 4.5}, {"good", "good-soft", 4.5},
		{"warn", "surface", 4.5}, {"warn", "warn-soft", 4.5},
		{"bad", "surface", 4.5}, {"bad", "bad-soft", 4.5},
		{"line-strong", "surface", 3}, {"line-strong", "paper", 3}, {"accent", "line", 3},
	}
	for scheme, colour := range map[string]map[string][3]float64{"light": light, "dark": dark} {
		for _, pair := range pairs {
			text, ok1 := colour[pair.text]
			ground, ok2 := colour[pair.ground]
			if !ok1 || !ok2 {
				t.Fatalf("%s: no colour %s or %s", scheme, pair.text, pair.ground)
			}
			if got := contrast(text, ground); got < pair.least {
				t.Errorf("%s: %s on %s is %.2f, want at least %.1f", scheme, pair.text, pair.ground, got, pair.least)
			}
		}
	}
}

var property = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// colours reads the properties of the block that follows mark.
func colours(t *testing.T, css, mark string) map[string][3]float64 {
	t.Helper()
	_, block, found := strings.Cut(css, mark)
	if !found {
		t.Fatalf("the stylesheet has no %q", mark)
	}
	block, _, _ = strings.Cut(block, "}")
	out := map[string][3]float64{}
	for _, match := range property.FindAllStringSubmatch(block, -1) {
		var c [3]uint8
		if _, err := fmt.Sscanf(match[2], "%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
			t.Fatal(err)
		}
		out[match[1]] = [3]float64{float64(c[0]) / 255, float64(c[1]) / 255, float64(c[2]) / 255}
	}
	return out
}

func contrast(a, b [3]float64) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(c [3]float64) float64 {
	for i, v := range c {
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}
