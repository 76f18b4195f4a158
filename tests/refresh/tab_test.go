package refresh_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/chromium"
)

// patience is how long a page may take to come to something.
const patience = 4 * time.Minute

// startBrowser starts a browser with an empty profile. Tabs are children of its
// context.
func startBrowser(t testing.TB, lasts time.Duration) context.Context {
	t.Helper()
	return chromium.Start(t, lasts+15*time.Minute)
}

// exchange is a request that a tab made, and its answer.
type exchange struct {
	method, url string
	status      int64
}

// tab is one tab. Its methods end the test when they fail.
type tab struct {
	context.Context
	t testing.TB

	mu        sync.Mutex
	exchanges []exchange
	methods   map[network.RequestID]string
}

func newTab(browser context.Context, t testing.TB) *tab {
	t.Helper()
	ctx, _ := chromedp.NewContext(browser) // ends with the browser
	b := &tab{Context: ctx, t: t, methods: make(map[network.RequestID]string)}
	chromedp.ListenTarget(ctx, b.listen)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	b.do(page.BringToFront(), emulation.SetFocusEmulationEnabled(true))
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.methods[e.RequestID] = e.Request.Method
	case *network.EventResponseReceived:
		b.exchanges = append(b.exchanges, exchange{b.methods[e.RequestID], e.Response.URL, e.Response.Status})
	}
}

// since returns the answers to requests of a method whose URL contains a text,
// after the first ones.
func (b *tab) since(first int, method, part string) (found []exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.exchanges[first:] {
		if e.method == method && strings.Contains(e.url, part) {
			found = append(found, e)
		}
	}
	return found
}

// now is how many answers there have been.
func (b *tab) now() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.exchanges)
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.fail("%v", err)
	}
}

func (b *tab) open(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

// until waits until a script gives true.
func (b *tab) until(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !b.holds(condition); {
		if time.Now().After(deadline) || b.Err() != nil {
			b.fail("still waiting for %s", condition)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (b *tab) holds(condition string) bool { return chromium.Holds(b, condition) }

// text is what a script gives, which must be a text.
func (b *tab) text(script string) (text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(script, &text))
	return text
}

// show keeps a picture in the folder CADDYHUB_TEST_SCREENSHOTS, if that is set.
func (b *tab) show(name string) {
	folder := os.Getenv("CADDYHUB_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	ctx, cancel := context.WithTimeout(b, 10*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&picture)); err == nil {
		name = strings.ReplaceAll(b.t.Name(), "/", "-") + "-" + name + ".png"
		if err := os.WriteFile(filepath.Join(folder, name), picture, 0o600); err != nil {
			b.t.Error(err)
		}
	}
}

func (b *tab) fail(format string, arguments ...any) {
	b.t.Helper()
	var shown string
	ctx, cancel := context.WithTimeout(b, 10*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`location.href + "\n" + document.body.innerText`, &shown))
	b.show("failed")
	b.mu.Lock()
	last := fmt.Sprint(b.exchanges[max(0, len(b.exchanges)-15):])
	b.mu.Unlock()
	b.t.Fatalf("%s\nthe tab shows %.1500s\nits last requests: %s", fmt.Sprintf(format, arguments...), shown, last)
}
