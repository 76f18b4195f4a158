package page

import (
	"io/fs"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestStatic(t *testing.T) {
	p := newPages(t, Options{})
	const forever = "public, max-age=31536000, immutable"
	tests := map[string]struct {
		method, path string
		status       int
		cache, kind  string
	}{
		"versioned":        {"GET", p.StaticURL("hub.css"), 200, forever, "text/css; charset=utf-8"},
		"head":             {"HEAD", p.StaticURL("hub.js"), 200, forever, "text/javascript; charset=utf-8"},
		"image":            {"GET", p.StaticURL("logo.svg"), 200, forever, "image/svg+xml"},
		"no version":       {"GET", "/hub/static/hub.css", 200, "no-cache", "text/css; charset=utf-8"},
		"another version":  {"GET", "/hub/static/v-0123456789abcdef/hub.css", 200, "no-cache", "text/css; charset=utf-8"},
		"no such file":     {"GET", p.StaticURL("nothing.js"), 404, "", "text/plain; charset=utf-8"},
		"the folder":       {"GET", p.StaticURL(""), 404, "", "text/plain; charset=utf-8"},
		"above the folder": {"GET", "/hub/static/../templates/home.html", 404, "", "text/plain; charset=utf-8"},
		"elsewhere":        {"GET", "/hub/home", 404, "", "text/plain; charset=utf-8"},
		"post":             {"POST", p.StaticURL("hub.css"), 405, "", "text/plain; charset=utf-8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(test.method, "/", nil)
			request.URL.Path = test.path
			recorder := httptest.NewRecorder()
			p.Static().ServeHTTP(recorder, request)
			header := recorder.Header()
			if recorder.Code != test.status || header.Get("Cache-Control") != test.cache || header.Get("Content-Type") != test.kind {
				t.Errorf("status %d, cache %q, type %q", recorder.Code, header.Get("Cache-Control"), header.Get("Content-Type"))
			}
			if test.status == 200 && (recorder.Body.Len() == 0) != (test.method == "HEAD") {
				t.Errorf("%s: body of %d bytes", test.method, recorder.Body.Len())
			}
			if test.status == 200 && (header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox")) {
				t.Errorf("not safe to open by itself: %v", header)
			}
		})
	}
}

func TestStaticIsNotSentTwice(t *testing.T) {
	p := newPages(t, Options{})
	first := httptest.NewRecorder()
	p.Static().ServeHTTP(first, httptest.NewRequest("GET", "/hub/static/hub.css", nil))
	request := httptest.NewRequest("GET", "/hub/static/hub.css", nil)
	request.Header.Set("If-None-Match", first.Header().Get("ETag"))
	second := httptest.NewRecorder()
	p.Static().ServeHTTP(second, request)
	if second.Code != 304 || second.Body.Len() != 0 {
		t.Errorf("status %d, %d bytes", second.Code, second.Body.Len())
	}
}

func TestLogo(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"ours": {"", "image/svg+xml"},
		"svg":  {"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "image/svg+xml"},
		"png":  {"\x89PNG\r\n\x1a\n", "image/png"},
		"webp": {"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPages(t, Options{Logo: []byte(test.data)})
			recorder := httptest.NewRecorder()
			p.Logo().ServeHTTP(recorder, httptest.NewRequest("GET", "/hub/logo", nil))
			if got := recorder.Header().Get("Content-Type"); recorder.Code != 200 || got != test.want {
				t.Errorf("status %d, type %s", recorder.Code, got)
			}
			if test.data != "" && recorder.Body.String() != test.data {
				t.Error("another image than the operator's")
			}
			if recorder.Header().Get("ETag") == "" || !strings.Contains(recorder.Header().Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("headers %v", recorder.Header())
			}
		})
	}
}

// TestStaticFilesStayHere: scripts import only files that exist, and nothing
// refers to another host or evaluates text.
func TestStaticFilesStayHere(t *testing.T) {
	imports := regexp.MustCompile(`from '([^']*)'`)
	forbidden := regexp.MustCompile(`https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|@import|url\(`)
	for name, file := range newPages(t, Options{}).assets.files {
		source := strings.ReplaceAll(string(file.data), `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := forbidden.FindString(source); found != "" {
			t.Errorf("%s contains %s", name, found)
		}
		for _, match := range imports.FindAllStringSubmatch(source, -1) {
			if _, err := fs.Stat(builtin, path.Join("static", path.Dir(name), match[1])); err != nil || !strings.HasPrefix(match[1], "./") {
				t.Errorf("%s imports %s: %v", name, match[1], err)
			}
		}
	}
}
