package scope

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Scope{
		"self":                                {Name: "self"},
		"(no_scope)":                          {Name: "(no_scope)"},
		"read:users!user":                     {"read:users", Filter{Kind: KindUser}},
		"read:users!user=ada":                 {"read:users", Filter{KindUser, "ada"}},
		"read:users!user=a=b!c d":             {"read:users", Filter{KindUser, "a=b!c d"}},
		"groups!group=/sub/group":             {"groups", Filter{KindGroup, "/sub/group"}},
		"access:services!service":             {"access:services", Filter{Kind: KindService}},
		"access:services!service=x":           {"access:services", Filter{KindService, "x"}},
		"access:servers!server":               {"access:servers", Filter{Kind: KindServer}},
		"access:servers!server=ada/":          {"access:servers", Filter{KindServer, "ada/"}},
		"access:servers!server=ada/lab":       {"access:servers", Filter{KindServer, "ada/lab"}},
		"custom:app_1:*":                      {Name: "custom:app_1:*"},
		"servers!user=größe":                  {"servers", Filter{KindUser, "größe"}},
		"a!user=" + strings.Repeat("u", 4089): {"a", Filter{KindUser, strings.Repeat("u", 4089)}},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("Parse(%q).String() = %q", text, got.String())
		}
	}
}

func TestParseHostile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                   "",
		"no name":                   "!user=ada",
		"empty filter":              "users!",
		"empty value":               "users!user=",
		"empty server":              "servers!server=",
		"value without a kind":      "users!=ada",
		"unknown kind":              "users!role=admin",
		"kind in capitals":          "users!User=ada",
		"kind with a space":         "users!user =ada",
		"two filters":               "users!user!server",
		"group placeholder":         "users!group",
		"server without a user":     "servers!server=/lab",
		"server without a slash":    "servers!server=lab",
		"capitals":                  "Users",
		"space":                     "read:users ",
		"two scopes":                "users groups",
		"list":                      "users,groups",
		"wildcard of another hub":   "users.*",
		"NUL in the value":          "users!user=ada\x00",
		"line break in the value":   "users!user=ada\r\nX-Admin: 1",
		"line break at the end":     "users\n",
		"invalid UTF-8":             "users!user=\xff",
		"letter that looks like it": "us\u0435rs",
		"too long":                  "a!user=" + strings.Repeat("u", 4090),
	} {
		got, err := Parse(text)
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: Parse(%q) = %+v, %v; want ErrSyntax", name, text, got, err)
			continue
		}
		if got != (Scope{}) {
			t.Errorf("%s: Parse(%q) failed and returned %+v", name, text, got)
		}
		if message := err.Error(); len(message) > 200 || !utf8.ValidString(message) || strings.ContainsAny(message, "\x00\r\n") {
			t.Errorf("%s: the error is not fit for a log line: %q", name, message)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for kind := KindUser; kind <= KindServer; kind++ {
		if got := parseKind(kind.String()); got != kind || kind.String() == "" {
			t.Errorf("kind %d is written %q, which reads as %d", kind, kind, got)
		}
	}
	for _, word := range []string{"", "users", "USER"} {
		if got := parseKind(word); got != KindNone {
			t.Errorf("parseKind(%q) = %v", word, got)
		}
	}
}

func TestParseServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Server
		ok   bool
	}{
		{"ada/", Server{User: "ada"}, true},
		{"ada/lab", Server{"ada", "lab"}, true},
		{"ada/lab/x", Server{"ada", "lab/x"}, true},
		{"ada", Server{}, false},
		{"/lab", Server{}, false},
		{"", Server{}, false},
	} {
		got, ok := ParseServer(tt.text)
		if got != tt.want || ok != tt.ok {
			t.Errorf("ParseServer(%q) = %+v, %t", tt.text, got, ok)
		}
		if ok && (got.String() != tt.text || got.IsZero()) {
			t.Errorf("ParseServer(%q) gives back %q, zero %t", tt.text, got, got.IsZero())
		}
	}
}
