package neighbours_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/chromium"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const (
	// testTimeout bounds what one test does with a browser.
	testTimeout = 6 * time.Minute
	// waitTimeout is for one action, on a busy machine.
	waitTimeout = 2 * time.Minute
)

// visitor is somebody with a browser of their own, and a tab in it.
type visitor struct {
	context.Context
	t   *testing.T
	hub *hubtest.Hub
}

// newVisitor starts Chromium with an empty profile. Windows may open without a
// click: a page that gets one is not what these tests are about.
func newVisitor(t *testing.T, hub *hubtest.Hub) *visitor {
	t.Helper()
	browser := chromium.Start(t, testTimeout, chromedp.Flag("disable-popup-blocking", true))
	return &visitor{browser, t, hub}
}

func (v *visitor) do(actions ...chromedp.Action) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v, waitTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.visit(v.hub.URL + path)
}

func (v *visitor) visit(address string) {
	v.t.Helper()
	v.do(chromedp.Navigate(address))
}

// logOutAndIn makes a new session of ada's, whatever cookies there are.
func (v *visitor) logOutAndIn() {
	v.t.Helper()
	v.do(storage.ClearCookies())
	v.logIn("ada")
	v.open("/user/ada/hostile/page.html")
}

func (v *visitor) logIn(user string) {
	v.t.Helper()
	v.open("/hub/login?next=/hub/home")
	v.do(
		chromedp.WaitVisible(`#login_submit`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=username]`, user, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=password]`, hubtest.Password, chromedp.ByQuery),
		chromedp.Click(`#login_submit`, chromedp.ByQuery),
		chromedp.WaitVisible(`#logout`, chromedp.ByQuery),
	)
}

// until waits until a script gives something that is true.
func (v *visitor) until(condition string) {
	v.t.Helper()
	hubtest.Eventually(v.t, condition, func() (holds bool) {
		v.evaluate("Boolean("+condition+")", &holds)
		return holds
	})
}

// evaluate runs a script and waits for what it promises.
func (v *visitor) evaluate(script string, into any) {
	v.t.Helper()
	v.do(chromedp.Evaluate(script, into, chromedp.EvalAsValue, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
}
