package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/chromium"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const (
	// testTimeout bounds what one test does with a browser.
	testTimeout = 3 * time.Minute
	// waitTimeout is how long until waits: JupyterLab is slow on a busy machine.
	waitTimeout = 60 * time.Second
)

// newVisitor is a person with a browser of their own, with an empty profile that
// talks to nobody but the hub, and a tab in it.
func newVisitor(t testing.TB, hub *hubtest.Hub) *tab {
	t.Helper()
	return newTab(chromium.Start(t, testTimeout), t, hub, newRecord(hub))
}

// tab is one tab of a visitor. Its methods end the test when they fail.
type tab struct {
	context.Context
	t       testing.TB
	browser context.Context
	hub     *hubtest.Hub
	record  *record
	close   context.CancelFunc
}

// another opens another tab in the same window.
func (b *tab) another() *tab {
	b.t.Helper()
	return newTab(b.browser, b.t, b.hub, b.record)
}

func newTab(browser context.Context, t testing.TB, hub *hubtest.Hub, record *record) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	b := &tab{Context: ctx, t: t, browser: browser, hub: hub, record: record, close: closeTab}
	chromedp.ListenTarget(ctx, record.listen)
	// The context of this first run is that of the tab, so it has no end of its own.
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watchProgress).Do(ctx)
		return err
	}), page.BringToFront(), emulation.SetFocusEmulationEnabled(true))
	return b
}

// do runs actions of chromedp.
func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, waitTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.fail("%v", err)
	}
}

// open goes to a path of the hub and waits until the page is loaded.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.hub.URL + path))
}

// until waits until a script gives true. Pages may come and go meanwhile.
func (b *tab) until(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(waitTimeout); !b.holds(condition); {
		select {
		case <-b.Done():
			b.t.Fatalf("waiting for %s: %v", condition, b.Err())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.fail("still waiting for %s", condition)
		}
	}
}

// submit clicks on something that leads to another page and waits for that.
func (b *tab) submit(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, waitTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(selector, chromedp.ByQuery)); err != nil {
		b.fail("click on %s: %v", selector, err)
	}
}

// reloadUntil is until for a page that does not change by itself.
func (b *tab) reloadUntil(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(waitTimeout); !b.holds(condition); b.do(chromedp.Reload()) {
		if time.Now().After(deadline) {
			b.fail("still waiting for %s", condition)
		}
	}
}

func (b *tab) holds(condition string) bool { return chromium.Holds(b, condition) }

// evaluate runs a script, waits for its promise if it gives one, and decodes
// what comes out.
func (b *tab) evaluate(script string, into any) {
	b.t.Helper()
	b.do(chromedp.Evaluate(script, into, chromedp.EvalAsValue, awaitPromise))
}

// path is where the tab is, without the origin and the query.
func (b *tab) path() string {
	b.t.Helper()
	var path string
	b.evaluate(`location.pathname`, &path)
	return path
}

// fail ends the test and tells what the tab shows.
func (b *tab) fail(format string, args ...any) {
	b.t.Helper()
	var shown string
	var picture []byte
	ctx, cancel := context.WithTimeout(b, 10*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`location.href + "\n" + document.body.innerText`, &shown), chromedp.CaptureScreenshot(&picture))
	b.keep("failed", picture)
	b.t.Logf("the tab shows %.2000s", shown)
	b.t.Logf("its last requests:\n%s", b.record.tail(40))
	b.t.Fatalf(format, args...)
}

// keep writes a screenshot into the folder CADDYHUB_TEST_SCREENSHOTS, if that is
// set.
func (b *tab) keep(name string, picture []byte) {
	folder := os.Getenv("CADDYHUB_TEST_SCREENSHOTS")
	if folder == "" || len(picture) == 0 {
		return
	}
	path := filepath.Join(folder, filepath.Base(b.t.Name())+"-"+name+".png")
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		b.t.Errorf("screenshot: %v", err)
	}
}
