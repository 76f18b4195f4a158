// Package chromium starts real browsers for tests.
//
// What it guarantees:
//
//   - Each browser has an empty profile of its own, and talks to nobody but the
//     pages that the test opens.
//   - It ends with the test, and nothing of it is left.
//   - Windows in the background are as fast as the one in front.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// quiet are switches without a value: the browser is not slowed down, makes no
// requests of its own, and believes the certificates of hubs under test.
var quiet = []string{
	"disable-backgrounding-occluded-windows", "disable-background-timer-throttling", "disable-renderer-backgrounding",
	"disable-dev-shm-usage", "disable-background-networking", "disable-component-update", "disable-default-apps",
	"disable-extensions", "disable-quic", "disable-sync", "metrics-recording-only", "disable-breakpad",
	"ignore-certificate-errors",
}

// Start starts a browser that may be used for as long as lasts, with further
// switches, and returns the context of its first tab; contexts that chromedp makes
// below it are further ones. Where there is no Chromium the test fails, or is
// skipped unless CADDYHUB_TEST_REQUIRE is 1.
func Start(t testing.TB, lasts time.Duration, further ...chromedp.ExecAllocatorOption) context.Context {
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
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("headless", "new"),
	}
	for _, name := range quiet {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), lasts)
	allocator, stop := chromedp.NewExecAllocator(ctx, append(options, further...)...)
	// It only ever tells of events that are newer than it is.
	browser, quit := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(func() {
		quit()
		stop()
		cancel()
		// The processes of a browser that was closed write a little longer.
		hubtest.Eventually(t, "the profile of Chromium is removed", func() bool { return os.RemoveAll(profile) == nil })
	})
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return browser
}

// Holds says whether a script gives something true in a tab now. Pages may come
// and go meanwhile.
func Holds(tab context.Context, condition string) (holds bool) {
	ctx, cancel := context.WithTimeout(tab, 5*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate("Boolean("+condition+")", &holds)) == nil && holds
}

// Shown is where a tab is and the text that it shows, for a test that fails.
func Shown(tab context.Context) (text string) {
	ctx, cancel := context.WithTimeout(tab, 10*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`(location.href + "\n" + document.body.innerText).slice(0, 2000)`, &text)) // the test fails anyway
	return text
}
