package spawner

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

var hostile = []string{
	"", ".", "..", "...", "../..", "/", "/etc/passwd", "a/b", "a/../../b", "-rf", "--", "~root", "$(id)", "`id`", "a;b",
	"a b", "a\nb", "a\x00b", "größe", "\xff\xfe", "%2e%2e", "%2E%2E%2F", "{username}", "}}{{", `a\b`, "a'b\"c", "*", "a=b",
}

func TestTemplate(t *testing.T) {
	names := Names{User: "a/b", Server: "lab 1", Prefix: "/user/a%2Fb/lab%201/"}
	for source, want := range map[string]struct{ plain, escaped string }{
		"":                           {"", ""},
		"/home/{username}":           {"/home/a/b", "/home/a%2Fb"},
		"/d/{username}/{servername}": {"/d/a/b/lab 1", "/d/a%2Fb/lab%201"},
		"{base_url}tree":             {"/user/a%2Fb/lab%201/tree", "/user/a%2Fb/lab%201/tree"},
		"{{username}}-{username}":    {"{username}-a/b", "{username}-a%2Fb"},
		"}}{{":                       {"}{", "}{"},
		"100%":                       {"100%", "100%"},
	} {
		template, err := ParseTemplate(source)
		if err != nil {
			t.Errorf("ParseTemplate(%q): %v", source, err)
			continue
		}
		if template.String() != source {
			t.Errorf("String of %q is %q", source, template)
		}
		if got := template.Plain(names); got != want.plain {
			t.Errorf("Plain of %q is %q, want %q", source, got, want.plain)
		}
		if got := template.Escaped(names); got != want.escaped {
			t.Errorf("Escaped of %q is %q, want %q", source, got, want.escaped)
		}
	}
}

func TestTemplateMistakes(t *testing.T) {
	for _, source := range []string{"{", "}", "{user}", "{username", "username}", "{}", "{{username}", "{ username }", "{username!r}"} {
		if _, err := ParseTemplate(source); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseTemplate(%q): %v, want ErrInvalid", source, err)
		}
	}
}

// Whatever a path's template says and whoever logs in, no element leads upwards.
func TestTemplatePathRefuses(t *testing.T) {
	for _, test := range []struct {
		source string
		names  Names
	}{
		{"/d/{username}/../x", Names{User: "ada"}},
		{"/d/.{servername}.", Names{User: "ada"}},
		{"/d/./{username}", Names{User: "ada"}},
		{"/d{base_url}", Names{Prefix: "/user/../"}},
		{"/d/\x01{username}", Names{User: "ada"}},
	} {
		template, err := ParseTemplate(test.source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.Path(test.names); !errors.Is(err, ErrInvalid) {
			t.Errorf("Path of %q with %+v is %q, %v, want ErrInvalid", test.source, test.names, got, err)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "ada": "ada", "Ada.Lovelace@example.org": "Ada.Lovelace@example.org", "a_b-c+d": "a_b-c+d",
		".": "%2E", "..": "%2E%2E", ".a": ".a", "-x": "%2Dx", "--": "%2D-", "a/b": "a%2Fb", "~a": "%7Ea", "a%": "a%25",
		"ö": "%C3%B6", "a\x00": "a%00", "$(id)": "%24%28id%29",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("SafeName(%q) is %q, want %q", name, got, want)
		}
	}
	seen := make(map[string]string)
	for _, name := range hostile {
		safe := SafeName(name)
		if other, ok := seen[safe]; ok {
			t.Errorf("%q and %q are both %q", name, other, safe)
		}
		seen[safe] = name
	}
}

func FuzzTemplatePath(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, name)
		f.Add("ada", name)
		f.Add(name, "")
	}
	const base = "/srv/homes"
	var templates []Template
	for _, source := range []string{base + "/{username}", base + "/{username}/{servername}", base + "/{username}{servername}", base + "/.{username}.{servername}"} {
		template, err := ParseTemplate(source)
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, template)
	}
	f.Fuzz(func(t *testing.T, user, server string) {
		names := Names{User: user, Server: server, Prefix: "/user/x/"}
		for _, template := range templates {
			got, err := template.Path(names)
			if err != nil {
				continue
			}
			relative, err := filepath.Rel(base, filepath.Clean(got))
			if err != nil || !filepath.IsLocal(relative) {
				t.Fatalf("%q and %q lead out of %s: %q", user, server, base, got)
			}
			if strings.Count(got, "/") != strings.Count(template.String(), "/") {
				t.Fatalf("%q and %q add a directory: %q", user, server, got)
			}
			if strings.ContainsAny(got, "\x00\n $`;&|<>*?'\"\\~(){}") {
				t.Fatalf("%q and %q leave a special character: %q", user, server, got)
			}
		}
		if user != "" {
			if got, err := templates[0].Path(names); err != nil || filepath.Dir(got) != base {
				t.Fatalf("%q has no directory of its own: %q, %v", user, got, err)
			}
		}
	})
}
