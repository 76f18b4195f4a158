package page

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestOverridePage(t *testing.T) {
	p := newPages(t, Options{
		Vars: map[string]any{"contact": "<help@example.org>"},
		Override: fstest.MapFS{
			"templates/logout.html": {Data: []byte(`{{define "title"}}Bye{{end}}{{define "main"}}<h1>Bye, write to {{.Vars.contact}}</h1>{{end}}`)},
		},
	})
	body, root := render(t, p, Visitor{}, Logout{})
	if !strings.Contains(body, "Bye, write to &lt;help@example.org&gt;") {
		t.Errorf("the operator's page is not shown, or not escaped: %s", body)
	}
	checkDocument(t, root)
	if body, _ := render(t, p, Visitor{}, Home{}); strings.Contains(body, "Bye") {
		t.Error("the operator's page shows in another")
	}
}

func TestOverrideBlock(t *testing.T) {
	p := newPages(t, Options{Override: fstest.MapFS{
		"templates/custom.html": {Data: []byte(`{{define "footer"}}<footer>Computing Centre{{if .Vars.none}}!{{end}}</footer>{{end}}`)},
	}})
	for _, view := range allViews() {
		body, root := render(t, p, Visitor{}, view)
		if !strings.Contains(body, "<footer>Computing Centre</footer>") {
			t.Errorf("%T: no footer", view)
		}
		checkDocument(t, root)
	}
}

func TestOverrideStatusPage(t *testing.T) {
	p := newPages(t, Options{Override: fstest.MapFS{
		"templates/404.html":   {Data: []byte(`{{define "main"}}<h1>Lost, {{.View.Message}}</h1>{{end}}`)},
		"templates/notes.html": {Data: []byte(`{{broken`)},
	}})
	if body, _ := render(t, p, Visitor{}, Error{Status: 404, Message: "<you>"}); !strings.Contains(body, "Lost, &lt;you&gt;") {
		t.Error("404.html is not used for 404")
	}
	if body, _ := render(t, p, Visitor{}, Error{Status: 403}); strings.Contains(body, "Lost") {
		t.Error("404.html is used for 403")
	}
}

func TestOverrideStatic(t *testing.T) {
	ours := newPages(t, Options{})
	p := newPages(t, Options{Override: fstest.MapFS{
		"static/hub.css":         {Data: []byte("body{}")},
		"static/fonts/own.woff2": {Data: []byte("font")},
	}})
	if ours.StaticURL("hub.css") == p.StaticURL("hub.css") {
		t.Error("another stylesheet has the same address")
	}
	for name, want := range map[string]string{"hub.css": "body{}", "fonts/own.woff2": "font"} {
		recorder := httptest.NewRecorder()
		p.Static().ServeHTTP(recorder, httptest.NewRequest("GET", p.StaticURL(name), nil))
		if recorder.Body.String() != want {
			t.Errorf("%s: %d %q", name, recorder.Code, recorder.Body)
		}
	}
}

func TestStaticFilesAreBounded(t *testing.T) {
	_, err := New(Options{Override: fstest.MapFS{"static/backup.tar": {Data: make([]byte, maxStatic+1)}}})
	if err == nil || !strings.Contains(err.Error(), "static/backup.tar") {
		t.Errorf("error %v", err)
	}
}
