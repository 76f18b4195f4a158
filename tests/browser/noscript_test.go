package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestWithoutJavaScript: every page of the hub does its work with links, forms
// and the browser's own refresh.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{NamedServers: true})
	b := newVisitor(t, hub)
	b.do(emulation.SetScriptExecutionDisabled(true))

	b.open("/hub/login")
	b.logIn("ada")
	b.start()
	b.until(`location.pathname.startsWith('/user/ada/lab')`)
	if pending := b.record.to(`^/hub/spawn-pending/ada$`); len(pending) < 2 {
		t.Errorf("the page of the start did not refresh: %v", pending)
	}
	if stream := b.record.to(`/progress$`); len(stream) > 0 {
		t.Errorf("scripts did run: %v", stream)
	}
	b.open("/hub/home")
	b.submit(`#stop`)
	b.reloadUntil(isStopped)

	b.do(
		chromedp.SendKeys(`#new-server-name`, "second", chromedp.ByQuery),
		chromedp.Click(`.new-server-btn`, chromedp.ByQuery),
	)
	b.until(`location.pathname.startsWith('/user/ada/second/lab')`)
	b.open("/hub/home")
	b.submit(`#stop-second`)
	b.reloadUntil(`document.querySelector('#start-second')`)
	b.submit(`#delete-second`)
	b.until(`location.pathname === '/hub/home' && !document.querySelector('.home-server-row')`)

	b.submit(`#logout`)
	b.open("/hub/home")
	if path := b.path(); path != "/hub/login" {
		t.Errorf("after logging out, /hub/home leads to %s", path)
	}
	b.record.check(t)
	for _, known := range b.record.all() {
		if strings.HasSuffix(known.path(), ".js") {
			t.Errorf("a script was loaded: %v", known)
		}
	}
}
