package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	"` onfocus=alert(1) autofocus ",
	`</title></textarea></pre></option><svg/onload=alert(1)>`,
	`javascript:alert(1)//`,
	"java\tscript:alert(1)//",
	`data:text/html,<script>alert(1)</script>`,
	`//evil.example/`,
	`--><!--`,
	`{{.}}${alert(1)}`,
	"\u202egnp.exe\u202c\u0000",
	"\xff\xfe",
	`&lt;b&gt;&#x22;`,
}

// TestHostileStrings fills every field of every page with each string, and
// wants the elements and attributes that harmless words give.
func TestHostileStrings(t *testing.T) {
	p := newPages(t, Options{})
	for _, zero := range allViews() {
		harmless := &filler{text: "text", address: "/address/", yes: true}
		_, root := render(t, p, harmless.visitor(), harmless.view(zero))
		want := skeleton(root)
		for _, payload := range hostile {
			f := &filler{text: payload, address: payload, yes: true}
			_, root := render(t, p, f.visitor(), f.view(zero))
			if diff := cmp.Diff(want, skeleton(root)); diff != "" {
				t.Errorf("%s: %q changed the page (-harmless +hostile):\n%s", zero.template(), payload, diff)
			}
			for _, node := range elements(root) {
				for _, a := range node.Attr {
					if runs(a) {
						t.Errorf("%s: %q became <%s %s=%q>", zero.template(), payload, node.Data, a.Key, a.Val)
					}
				}
			}
		}
	}
}

// skeleton is the page without what was filled in.
func skeleton(root *html.Node) []string {
	var out []string
	for _, node := range elements(root) {
		line := node.Data
		for _, a := range node.Attr {
			line += " " + a.Key
		}
		out = append(out, line)
	}
	return out
}

// runs says whether following an attribute would run a script.
func runs(a html.Attribute) bool {
	if a.Key != "href" && a.Key != "src" && a.Key != "action" && !strings.HasSuffix(a.Key, "-url") {
		return false
	}
	address := strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, a.Val))
	return strings.HasPrefix(address, "javascript:") || strings.HasPrefix(address, "data:")
}

// TestHostileFields does the same for each type of field.
func TestHostileFields(t *testing.T) {
	p := newPages(t, Options{})
	page := func(text string) []string {
		var fields []Field
		for _, kind := range []string{"text", "password", "number", "checkbox", "select", "radio", "textarea", "file", "hidden", "url", "email"} {
			fields = append(fields, Field{Type: kind, Name: text, Label: text, Value: text, Help: text, Placeholder: text,
				Options: []Choice{{Value: text, Label: text, Help: text}}})
		}
		_, root := render(t, p, Visitor{}, SpawnOptions{Fields: fields})
		checkControls(t, root)
		checkReferences(t, root)
		return skeleton(root)
	}
	want := page("text")
	for _, payload := range hostile {
		if diff := cmp.Diff(want, page(payload)); diff != "" {
			t.Errorf("%q changed the form:\n%s", payload, diff)
		}
	}
}

func TestPasswordIsNotSentBack(t *testing.T) {
	p := newPages(t, Options{})
	body, _ := render(t, p, Visitor{}, SpawnOptions{Fields: []Field{{Name: "key", Type: "password", Value: "canary"}}})
	if strings.Contains(body, "canary") {
		t.Error("the page holds the value of a password field")
	}
}

func FuzzRender(f *testing.F) {
	for _, payload := range hostile {
		f.Add(payload)
	}
	p, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	harmless := &filler{text: "text", address: "/address/", yes: true}
	visitor := harmless.visitor()
	view := harmless.view(Home{})
	_, root := render(f, p, visitor, view)
	want := skeleton(root)
	f.Fuzz(func(t *testing.T, payload string) {
		hostile := &filler{text: payload + "x", address: payload, yes: true}
		_, root := render(t, p, hostile.visitor(), hostile.view(Home{}))
		if diff := cmp.Diff(want, skeleton(root)); diff != "" {
			t.Errorf("%q changed the page:\n%s", payload, diff)
		}
	})
}
