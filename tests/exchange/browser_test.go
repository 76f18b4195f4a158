package exchange_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const (
	// browserTimeout bounds what one test does with a browser.
	browserTimeout = 3 * time.Minute
	// waitTimeout is how long a page may take: JupyterLab is slow on a busy machine.
	waitTimeout = 90 * time.Second
)

// tab is a browser with an empty profile. Its methods end the test when they fail.
type tab struct {
	context.Context
	t testing.TB
	// sent are the addresses that it asked for, with the headers Referer.
	sent chan [2]string
}

func newTab(t testing.TB) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatalf("this test needs Chromium: %v", err)
		}
		t.Skipf("this test needs Chromium: %v", err)
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	allocator, stop := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-breakpad", true), chromedp.Flag("disable-extensions", true))
	browser, quit := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(func() {
		quit()
		stop()
		cancel()
		hubtest.Eventually(t, "the profile of Chromium is removed", func() bool { return os.RemoveAll(profile) == nil })
	})
	b := &tab{Context: browser, t: t, sent: make(chan [2]string, 10_000)}
	chromedp.ListenTarget(browser, func(event any) {
		if sent, is := event.(*network.EventRequestWillBeSent); is {
			referer, _ := sent.Request.Headers["Referer"].(string)
			b.sent <- [2]string{sent.Request.URL, referer}
		}
	})
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return b
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, waitTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.fail("%v", err)
	}
}

func (b *tab) open(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

// press clicks on something that leads to another page, and waits for that.
func (b *tab) press(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, waitTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(selector, chromedp.ByQuery)); err != nil {
		b.fail("click on %s: %v", selector, err)
	}
}

// until waits until a script gives true. Pages may come and go meanwhile.
func (b *tab) until(condition string) {
	b.t.Helper()
	holds := func() bool {
		var holds bool
		ctx, cancel := context.WithTimeout(b, 5*time.Second)
		defer cancel()
		return chromedp.Run(ctx, chromedp.Evaluate("Boolean("+condition+")", &holds)) == nil && holds
	}
	for deadline := time.Now().Add(waitTimeout); !holds(); {
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

func (b *tab) text(script string) (text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(script, &text))
	return text
}

// fail ends the test and tells what the tab shows.
func (b *tab) fail(format string, args ...any) {
	b.t.Helper()
	var shown string
	ctx, cancel := context.WithTimeout(b, 10*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`location.href + "\n" + document.body.innerText`, &shown))
	b.t.Logf("the tab shows %.2000s", shown)
	b.t.Fatalf(format, args...)
}
