package exchange_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestSomebodyElse is a page of another site that would like its visitor, who is
// logged in, to be somebody else: by a link and by a form that sends itself. The
// visitor is asked, and stays.
func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	hub := hubtest.Start(t, hubtest.Options{Site: p.directive()})
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		address, token := html.EscapeString(hub.URL+"/hub/login"), p.token(`{"name": "mallory", "next": "/hub/home"}`)
		if r.URL.Path == "/form" {
			fmt.Fprintf(w, `<form id=f method=post action="%s"><input name=login_token value="%s"></form><script>f.submit()</script>`, address, token)
			return
		}
		fmt.Fprintf(w, `<a id=go href="%s?login_token=%s">Look</a><img src="%[1]s?login_token=%[2]s"><link rel=prefetch href="%[1]s?login_token=%[2]s">`, address, token)
	}))
	defer evil.Close()
	b := newTab(t)
	b.open(hub.URL + "/hub/login?next=%2Fhub%2Fhome")
	b.do(chromedp.SendKeys(`#username_input`, "ada", chromedp.ByQuery), chromedp.SendKeys(`#password_input`, hubtest.Password, chromedp.ByQuery))
	b.press(`#login_submit`)
	b.until(`location.pathname == "/hub/home"`)
	who := func() string {
		return b.text(`document.querySelector("#login_widget").innerText`)
	}
	for _, way := range []string{"link", "form"} {
		b.open(evil.URL + "/" + way)
		if way == "link" {
			b.press(`#go`)
		}
		b.until(`document.querySelector("button[value=stay]")`)
		if page := b.text(`document.body.innerText`); !strings.Contains(page, "ada") || !strings.Contains(page, "mallory") {
			t.Errorf("%s: the page names not both: %s", way, page)
		}
		if address := b.text(`location.href`); strings.Contains(address, "login_token") {
			t.Errorf("%s: the token is in the address: %s", way, address)
		}
		b.press(`button[value=stay]`)
		b.until(`location.pathname == "/hub/home"`)
		if got := who(); !strings.Contains(got, "ada") {
			t.Errorf("%s: the visitor is %s now", way, got)
		}
	}
	b.open(evil.URL + "/link")
	b.press(`#go`)
	b.press(`button[value=switch]`)
	b.until(`location.pathname == "/hub/home"`)
	if got := who(); !strings.Contains(got, "mallory") {
		t.Errorf("who wanted to be mallory is %s", got)
	}
}
