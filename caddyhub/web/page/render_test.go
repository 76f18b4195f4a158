package page

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestHeaders(t *testing.T) {
	p := newPages(t, Options{HubURL: "/base/hub/", FormAction: []string{"https://*.hub.example.org"}})
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-JupyterHub-Version", "5.5.1")
	recorder.Header().Set("Cache-Control", "public")
	p.Render(recorder, http.StatusTeapot, Visitor{}, Home{})

	if recorder.Code != http.StatusTeapot {
		t.Errorf("status %d", recorder.Code)
	}
	want := map[string]string{
		"Cache-Control":          "no-store",
		"Content-Type":           "text/html; charset=utf-8",
		"Content-Length":         strconv.Itoa(recorder.Body.Len()),
		"Referrer-Policy":        "same-origin",
		"X-Content-Type-Options": "nosniff",
		"X-Jupyterhub-Version":   "5.5.1",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
			"font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
			"form-action 'self' https://*.hub.example.org; report-uri /base/hub/security/csp-report",
	}
	got := map[string]string{}
	for name := range recorder.Header() {
		got[name] = recorder.Header().Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSecretAddresses: a login or a consent has codes in its address, which no
// other page may learn, and its post must still carry an Origin.
func TestSecretAddresses(t *testing.T) {
	p := newPages(t, Options{})
	for _, view := range []View{Login{}, Consent{}, AcceptShare{}} {
		recorder := httptest.NewRecorder()
		p.Render(recorder, 200, Visitor{}, view)
		if got := recorder.Header().Get("Referrer-Policy"); got != "strict-origin" {
			t.Errorf("%T: Referrer-Policy %q", view, got)
		}
	}
}

func TestFormActionFollowsTheClient(t *testing.T) {
	p := newPages(t, Options{})
	tests := map[string]string{
		"":                                     "'self'",
		"/user/ada/oauth_callback":             "'self'",
		"https://app.example.org:8443/cb?x=1":  "'self' https://app.example.org:8443",
		"org.example.app:/callback":            "'self' org.example.app:",
		"javascript:alert(1)":                  "'self'",
		"data:text/html,x":                     "'self'",
		"https:///nowhere":                     "'self'",
		"https://a.example; script-src *":      "'self'",
		"https://a.example'unsafe-inline'/":    "'self'",
		"https://a.example,https://b.example/": "'self'",
		"://":                                  "'self'",
	}
	for address, want := range tests {
		recorder := httptest.NewRecorder()
		p.Render(recorder, 200, Visitor{}, Consent{RedirectURI: address})
		_, rest, _ := strings.Cut(recorder.Header().Get("Content-Security-Policy"), "form-action ")
		got, _, _ := strings.Cut(rest, ";")
		if got != want {
			t.Errorf("%s: form-action %s, want %s", address, got, want)
		}
	}
}

// TestFailingTemplate: not a byte of a page that cannot be finished is sent.
func TestFailingTemplate(t *testing.T) {
	var log bytes.Buffer
	p := newPages(t, Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Override: fstest.MapFS{
			"templates/home.html": {Data: []byte(`{{define "main"}}<h1>half</h1>{{.View.Nothing}}{{end}}`)},
		},
	})
	recorder := httptest.NewRecorder()
	p.Render(recorder, 200, Visitor{XSRF: "canary"}, Home{})
	if recorder.Code != 500 || !strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("status %d, type %s", recorder.Code, recorder.Header().Get("Content-Type"))
	}
	if strings.Contains(recorder.Body.String(), "half") {
		t.Errorf("half a page was sent: %s", recorder.Body)
	}
	if !strings.Contains(log.String(), "Nothing") || strings.Contains(log.String(), "canary") {
		t.Errorf("log: %s", log.String())
	}
}

func TestAnnouncements(t *testing.T) {
	p := newPages(t, Options{
		Announcement:  "<b>everywhere</b>",
		Announcements: map[string]template.HTML{"login": "<b>at login</b>", "token": ""},
	})
	tests := map[string]struct {
		view View
		want string
	}{
		"general": {Home{}, "everywhere"},
		"own":     {Login{}, "at login"},
		"hidden":  {Token{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, root := render(t, p, Visitor{}, test.view)
			got := ""
			for _, node := range elements(root) {
				if node.Data == "aside" {
					got = text(node)
				}
			}
			if got != test.want {
				t.Errorf("announcement %q, want %q", got, test.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		options Options
		want    string
	}{
		"hub without slash": {Options{HubURL: "/hub"}, `"/hub"`},
		"hub with host":     {Options{HubURL: "https://a/hub/"}, "begins and ends"},
		"form action":       {Options{FormAction: []string{"https://a; script-src *"}}, "form-action"},
		"logo":              {Options{Logo: []byte("#!/bin/sh\n")}, "not an image"},
		"template": {Options{Override: fstest.MapFS{
			"templates/home.html": {Data: []byte("{{if}}")}}}, "home.html"},
		"custom": {Options{Override: fstest.MapFS{
			"templates/custom.html": {Data: []byte("{{nothing}}")}}}, "custom.html"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %s", err, test.want)
			}
		})
	}
}
