package exchange_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/chromium"
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
	browser := chromium.Start(t, browserTimeout)
	b := &tab{Context: browser, t: t, sent: make(chan [2]string, 10_000)}
	chromedp.ListenTarget(browser, func(event any) {
		if sent, is := event.(*network.EventRequestWillBeSent); is {
			referer, _ := sent.Request.Headers["Referer"].(string)
			b.sent <- [2]string{sent.Request.URL, referer}
		}
	})
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
	for deadline := time.Now().Add(waitTimeout); !chromium.Holds(b, condition); {
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
	b.t.Logf("the tab shows %s", chromium.Shown(b))
	b.t.Fatalf(format, args...)
}
