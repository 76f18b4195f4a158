package page

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestStructure holds every page, full and empty, with and without a visitor,
// to the rules that make it readable by machines and by people.
func TestStructure(t *testing.T) {
	p := newPages(t, Options{})
	for _, zero := range allViews() {
		full := &filler{text: "text", address: "/address/", yes: true}
		bare := &filler{text: "text", address: "/address/"}
		for name, page := range map[string]struct {
			visitor Visitor
			view    View
		}{
			"empty": {Visitor{}, zero},
			"full":  {full.visitor(), full.view(zero)},
			"bare":  {bare.visitor(), bare.view(zero)},
		} {
			t.Run(zero.template()+"/"+name, func(t *testing.T) {
				_, root := render(t, p, page.visitor, page.view)
				checkDocument(t, root)
				checkControls(t, root)
				checkReferences(t, root)
				checkPolicy(t, root)
				checkTables(t, root)
			})
		}
	}
}

func TestEveryTemplateHasAView(t *testing.T) {
	p := newPages(t, Options{})
	var names []string
	for _, view := range allViews() {
		names = append(names, view.template())
	}
	for name := range p.templates {
		if !slices.Contains(names, name) {
			t.Errorf("template %s is tested by no view", name)
		}
	}
	for _, name := range names {
		if p.templates[name] == nil {
			t.Errorf("view %s has no template", name)
		}
	}
}

func checkDocument(t *testing.T, root *html.Node) {
	t.Helper()
	count := map[string]int{}
	for _, node := range elements(root) {
		count[node.Data]++
		switch node.Data {
		case "html":
			if attr(node, "lang") == "" {
				t.Error("the document has no language")
			}
		case "title", "h1", "h2":
			if text(node) == "" || strings.HasPrefix(text(node), "·") {
				t.Errorf("empty <%s>", node.Data)
			}
		}
	}
	for _, name := range []string{"h1", "main", "title", "header"} {
		if count[name] != 1 {
			t.Errorf("%d <%s>, want 1", count[name], name)
		}
	}
	if first := firstIn(root, "body"); attr(first, "href") != "#main" {
		t.Error("the first thing in the body is not a way to skip to the content")
	}
}

func firstIn(root *html.Node, name string) *html.Node {
	for _, node := range elements(root) {
		if node.Parent != nil && node.Parent.Data == name {
			return node
		}
	}
	return nil
}

// checkControls wants a name for each control, and a signature for each post.
func checkControls(t *testing.T, root *html.Node) {
	t.Helper()
	labels := map[string]bool{}
	for _, node := range elements(root) {
		if node.Data == "label" && text(node) != "" {
			labels[attr(node, "for")] = true
		}
	}
	for _, node := range elements(root) {
		switch node.Data {
		case "input", "select", "textarea":
			if attr(node, "type") != "hidden" && !labels[attr(node, "id")] && attr(node, "aria-label") == "" {
				t.Errorf("<%s name=%q> has no label", node.Data, attr(node, "name"))
			}
		case "button", "a", "summary":
			if text(node) == "" && attr(node, "aria-label") == "" {
				t.Errorf("<%s> without words: %v", node.Data, node.Attr)
			}
			if node.Data == "button" && attr(node, "type") == "" {
				t.Errorf("button %q has no type", text(node))
			}
		case "progress":
			if attr(node, "aria-labelledby") == "" {
				t.Error("progress without a name")
			}
		case "img":
			if _, ok := lookup(node, "alt"); !ok {
				t.Error("img without alt")
			}
		case "form":
			if attr(node, "method") == "post" && !hasXSRF(node) {
				t.Errorf("form to %q has no _xsrf", attr(node, "action"))
			}
		}
	}
}

func hasXSRF(form *html.Node) bool {
	return slices.ContainsFunc(elements(form), func(node *html.Node) bool {
		return attr(node, "name") == "_xsrf" && attr(node, "type") == "hidden"
	})
}

// checkReferences wants unique ids, and an element behind each id that is named.
func checkReferences(t *testing.T, root *html.Node) {
	t.Helper()
	ids := map[string]bool{}
	for _, node := range elements(root) {
		if id := attr(node, "id"); id != "" {
			if ids[id] {
				t.Errorf("id %q twice", id)
			}
			ids[id] = true
		}
	}
	for _, node := range elements(root) {
		for _, name := range []string{"for", "aria-labelledby", "aria-describedby", "data-copy"} {
			if id := attr(node, name); id != "" && !ids[id] {
				t.Errorf("<%s %s=%q>: no such id", node.Data, name, id)
			}
		}
	}
}

// checkPolicy wants what the Content-Security-Policy wants.
func checkPolicy(t *testing.T, root *html.Node) {
	t.Helper()
	for _, node := range elements(root) {
		switch node.Data {
		case "style", "iframe", "object", "embed", "base", "svg":
			t.Errorf("<%s> in the page", node.Data)
		case "script":
			if attr(node, "src") == "" || attr(node, "type") != "module" || text(node) != "" {
				t.Errorf("inline or classic script: %v %s", node.Attr, text(node))
			}
		}
		for _, a := range node.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q>", node.Data, a.Key, a.Val)
			}
			if slices.Contains([]string{"href", "src", "action", "srcset", "poster"}, a.Key) && !local(a.Val) {
				t.Errorf("<%s %s=%q> leaves the site", node.Data, a.Key, a.Val)
			}
		}
	}
}

func local(address string) bool {
	return address == "" || strings.HasPrefix(address, "#") ||
		strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
}

func checkTables(t *testing.T, root *html.Node) {
	t.Helper()
	for _, node := range elements(root) {
		switch node.Data {
		case "table":
			if first := firstIn(node, "table"); first.Data != "caption" || text(first) == "" {
				t.Error("table without a caption")
			}
		case "th":
			if attr(node, "scope") == "" || text(node) == "" {
				t.Errorf("th %q: scope %q", text(node), attr(node, "scope"))
			}
		}
	}
}

// TestFilesOfPagesExist loads what the pages refer to.
func TestFilesOfPagesExist(t *testing.T) {
	p := newPages(t, Options{HubURL: "/base/hub/"})
	for _, view := range allViews() {
		f := &filler{text: "text", address: "/address/", yes: true}
		_, root := render(t, p, f.visitor(), f.view(view))
		for _, node := range elements(root) {
			address := attr(node, "src") + attr(node, "href")
			if !strings.HasPrefix(address, "/base/hub/static/") {
				continue
			}
			recorder := httptest.NewRecorder()
			p.Static().ServeHTTP(recorder, httptest.NewRequest("GET", address, nil))
			if recorder.Code != 200 {
				t.Errorf("%s: %s: status %d", view.template(), address, recorder.Code)
			}
		}
	}
}

// TestElementIDs holds the ids and classes on which other people's tests and
// style sheets rely.
func TestElementIDs(t *testing.T) {
	p := newPages(t, Options{})
	running := Server{Name: "lab", State: Running, URL: "/user/ada/lab/", StopURL: "/stop"}
	stopped := Server{Name: "old", StartURL: "/hub/spawn/ada/old", DeleteURL: "/delete"}
	tests := map[string]struct {
		view    View
		ids     []string
		classes []string
	}{
		"login": {Login{Error: "no", Forms: []LoginForm{PasswordForm("/hub/login", "", "Code")}},
			[]string{"login-main", "username_input", "password_input", "otp_input", "login_submit"}, []string{"login_error"}},
		"home": {Home{Server: running, NamedServers: true, Servers: []Server{running, stopped}, NewServerURL: "/new"},
			[]string{"start", "stop", "stop-lab", "start-old", "delete-old", "logout", "jupyterhub-logo"},
			[]string{"home-server-row", "new-server-name", "new-server-btn", "stop-server", "start-server", "delete-server", "add-server-row"}},
		"spawn":   {SpawnOptions{}, []string{"spawn_form"}, nil},
		"pending": {SpawnPending{Events: []ProgressEvent{{0, "Server requested"}}}, []string{"progress-bar", "progress-log", "progress-message", "progress-details", "sr-progress"}, []string{"progress-log-event"}},
		"stopped": {NotRunning{StartURL: "/hub/spawn/ada"}, []string{"start"}, nil},
		"token": {Token{RequestURL: "/hub/token", New: &NewToken{Secret: "s"}, Tokens: []APIToken{{ID: "a1", RevokeURL: "/revoke"}}, Applications: []Application{{ID: "a2"}}},
			[]string{"request-token-form", "token-note", "token-expiration-seconds", "token-scopes", "token-area", "token-result", "api-tokens-section", "oauth-clients-section"},
			[]string{"token-row", "revoke-token-btn"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, root := render(t, p, Visitor{Name: "ada"}, test.view)
			var classes []string
			for _, node := range elements(root) {
				classes = append(classes, strings.Fields(attr(node, "class"))...)
			}
			for _, id := range test.ids {
				byID(t, root, id)
			}
			for _, class := range test.classes {
				if !slices.Contains(classes, class) {
					t.Errorf("no element has the class %s", class)
				}
			}
		})
	}
}
