package neighbours_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// TestConfined: who visits the server of somebody else works there as at home: the
// pages reach their own server in every way, and JupyterLab opens without a
// violation of a policy.
func TestConfined(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	ada := newVisitor(t, s.Hub)
	ada.logIn("ada")
	ada.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`window.violations = [];
			document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.effectiveDirective + ' ' + e.blockedURI));`).Do(ctx)
		return err
	}))
	ada.open("/user/mallory/hostile/page.html")
	var got map[string]string
	ada.evaluate(`(async () => {
		const own = '/user/mallory/', got = {};
		const frame = document.createElement('iframe');
		frame.src = own + 'hostile/page.html';
		document.body.append(frame);
		await new Promise((done) => { frame.onload = done; });
		got.frame = frame.contentDocument.title;
		const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + own + 'api/events/subscribe');
		got.socket = await new Promise((done) => { ws.onopen = () => done('open'); ws.onerror = () => done('refused'); });
		const xsrf = document.cookie.match(/_xsrf=([^;]*)/)[1];
		got.fetch = String((await fetch(own + 'api/contents', { headers: { 'X-XSRFToken': xsrf } })).status);
		got.unproved = String((await fetch(own + 'api/contents')).status);
		return got;
	})()`, &got)
	want := map[string]string{"frame": "A page of a user", "socket": "open", "fetch": "200", "unproved": "403"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("on mallory's server (-want +got):\n%s", diff)
	}

	s.openNotebook(t, ada)
	var violations []string
	ada.evaluate("window.violations", &violations)
	if len(violations) > 0 {
		t.Errorf("JupyterLab was kept from %v", violations)
	}
}

// TestTokenOfThePage: where a cookie opens no WebSocket, JupyterLab works with the
// token that it was given, and a page without it opens none, at home neither.
func TestTokenOfThePage(t *testing.T) {
	t.Parallel()
	s := newStreet(t, "allow_websocket_cookie_auth off")
	ada := newVisitor(t, s.Hub)
	ada.logIn("ada")
	s.openNotebook(t, ada)
	for _, name := range []string{"WebSocket to a terminal", "WebSocket to a kernel", "WebSocket to events"} {
		if got := ada.try("ada", name); got.Refused == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// openNotebook opens a notebook on mallory's server and waits for its kernel.
func (s *street) openNotebook(t *testing.T, ada *visitor) {
	t.Helper()
	notebook := map[string]any{"type": "notebook", "format": "json", "content": map[string]any{
		"nbformat": 4, "nbformat_minor": 5, "cells": []any{},
		"metadata": map[string]any{"kernelspec": map[string]string{"name": "python3", "display_name": "Python 3", "language": "python"}},
	}}
	if made := s.API(s.Token("mallory")).Do(http.MethodPut, "/user/mallory/api/contents/shared.ipynb", notebook); made.Status != http.StatusCreated {
		t.Fatalf("making a notebook: %s", made)
	}
	ada.open("/user/mallory/lab/tree/shared.ipynb")
	ada.until(`document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]')`)
}
