package server

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// FuzzUserOptions: what is accepted is a JSON object of bounded size.
func FuzzUserOptions(f *testing.F) {
	for _, seed := range []string{``, `null`, ` {"a": [1, {"b": null}]} `, `[]`, `{`, `{}{}`, "{\"a\":\"\xff\"}", `"{}"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		options, err := userOptions(text)
		if err != nil {
			if !errors.Is(err, ErrOptions) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var object map[string]any
		if options != nil && (json.Unmarshal(options, &object) != nil || object == nil || len(options) > maxOptions) {
			t.Errorf("%q was accepted", text)
		}
	})
}

// FuzzShownText: what is shown of a server's words is bounded, valid and has no token in it.
func FuzzShownText(f *testing.F) {
	const secret = "0123456789abcdef0123456789abcdef"
	for _, seed := range []string{"plain", "?token=" + secret, "\x1b[31m\xff\x00", strings.Repeat("ä", 500), "x" + secret + secret} {
		f.Add(seed)
	}
	op := &operation{secret: secret}
	f.Fuzz(func(t *testing.T, text string) {
		shown := shownText(op, text, maxLogLine)
		if len(shown) > maxLogLine+len("…") || !utf8.ValidString(shown) || strings.ContainsAny(shown, "\x00\x1b\x7f") ||
			strings.Contains(shown, secret) {
			t.Errorf("shown of %q: %q", text, shown)
		}
	})
}

// FuzzServerName: an accepted name leads to its own route and to no other.
func FuzzServerName(f *testing.F) {
	for _, seed := range []string{"", "lab", "a b", "ä", "..", "a/b", "%2e%2e", "a%2Fb", "{x}", "a\\b", "a\x00"} {
		f.Add("ada", seed)
	}
	settings := Settings{}.withDefaults()
	f.Fuzz(func(t *testing.T, user, name string) {
		spec, err := settings.spec(user, name)
		if err != nil || user == "" {
			return
		}
		want := []string{"user", user}
		if name != "" {
			want = append(want, name)
		}
		same, err := route.NewSpec("", want...)
		if err != nil || same != spec {
			t.Errorf("%q/%q: route %v, want %v (%v)", user, name, spec, same, err)
		}
	})
}
