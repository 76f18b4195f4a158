package neighbours_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

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
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	allocator, stop := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(program), chromedp.UserDataDir(profile),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("headless", "new"),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-popup-blocking", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-component-update", true),
	)
	browser, quit := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(func() {
		quit()
		stop()
		cancel()
		hubtest.Eventually(t, "the profile of Chromium is removed", func() bool { return os.RemoveAll(profile) == nil })
	})
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
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
