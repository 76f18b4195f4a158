package subdomains_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/chromium"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const (
	// testTimeout bounds what one test does with a browser.
	testTimeout = 4 * time.Minute
	// waitTimeout is for one thing to happen, on a busy machine.
	waitTimeout = time.Minute
)

// person is somebody with a browser of their own, and a tab in it.
type person struct {
	context.Context
	t    testing.TB
	town *town
}

// newPerson starts Chromium with an empty profile, for which all hosts of the town
// are on this machine.
func newPerson(t testing.TB, town *town) *person {
	t.Helper()
	browser := chromium.Start(t, testTimeout, chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"))
	return &person{browser, t, town}
}

func (p *person) do(actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p, waitTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%v; the tab shows %s", err, chromium.Shown(p))
	}
}

func (p *person) open(address string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
}

// logIn fills in the login form that is shown.
func (p *person) logIn(user string) {
	p.t.Helper()
	p.do(
		chromedp.WaitVisible(`#login_submit`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=username]`, user, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=password]`, hubtest.Password, chromedp.ByQuery),
	)
	ctx, cancel := context.WithTimeout(p, waitTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(`#login_submit`, chromedp.ByQuery)); err != nil {
		p.t.Fatalf("log in: %v", err)
	}
}

// until waits until a script gives true. Pages may come and go meanwhile.
func (p *person) until(condition string) {
	p.t.Helper()
	for deadline := time.Now().Add(2 * waitTimeout); ; time.Sleep(50 * time.Millisecond) {
		if chromium.Holds(p, condition) {
			return
		}
		if p.Err() != nil || time.Now().After(deadline) {
			p.t.Fatalf("still waiting for %s; the tab shows %s", condition, chromium.Shown(p))
		}
	}
}

// evaluate runs a script and waits for what it promises.
func (p *person) evaluate(script string, into any) {
	p.t.Helper()
	p.do(chromedp.Evaluate(script, into, chromedp.EvalAsValue, func(e *runtime.EvaluateParams) *runtime.EvaluateParams {
		return e.WithAwaitPromise(true)
	}))
}

// address is where the tab is.
func (p *person) address() (address string) {
	p.t.Helper()
	p.evaluate(`location.href`, &address)
	return address
}
