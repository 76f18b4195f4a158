package browser_test

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// looks are the ways in which every page is shown.
var looks = []struct {
	name, scheme  string
	width, height int64
}{
	{"light", "light", 1280, 800},
	{"dark", "dark", 1280, 800},
	{"phone", "light", 375, 700},
}

// show takes a picture of the page in every look.
func (b *tab) show(name string) {
	b.t.Helper()
	for _, look := range looks {
		var picture []byte
		b.do(
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme},
				// Else colours are on their way from one scheme to the next.
				{Name: "prefers-reduced-motion", Value: "reduce"},
			}),
			emulation.SetDeviceMetricsOverride(look.width, look.height, 1, look.width < 500),
			chromedp.CaptureScreenshot(&picture),
		)
		b.keep(name+"-"+look.name, picture)
	}
	b.do(emulation.ClearDeviceMetricsOverride())
}

// TestScreenshots is for people who look at the pages: it writes a picture of
// each into the folder CADDYHUB_TEST_SCREENSHOTS, and does nothing without.
func TestScreenshots(t *testing.T) {
	if os.Getenv("CADDYHUB_TEST_SCREENSHOTS") == "" {
		t.Skip("CADDYHUB_TEST_SCREENSHOTS is not set")
	}
	hub := hubtest.Start(t, hubtest.Options{Admins: []string{"ada"}, NamedServers: true})
	b := newVisitor(t, hub)
	b.open("/hub/login")
	b.show("login")
	b.do(
		chromedp.SendKeys(`input[name=username]`, "ada", chromedp.ByQuery),
		chromedp.SendKeys(`input[name=password]`, "wrong", chromedp.ByQuery),
		chromedp.Click(`#login_submit`, chromedp.ByQuery),
		chromedp.WaitVisible(`.login_error`, chromedp.ByQuery),
	)
	b.show("login-wrong")
	b.open("/hub/home")
	b.logIn("ada")
	b.show("home-stopped")
	b.open("/user/ada/lab")
	b.show("not-running")
	b.start()
	b.do(chromedp.WaitVisible(`#progress-bar`, chromedp.ByQuery))
	b.show("spawn-pending")
	b.until(labIsUsable)
	b.show("lab")
	api := hub.API(hub.Token("ada"))
	api.StartServer("ada", "second")
	for name, path := range map[string]string{
		"home-running": "/hub/home", "token": "/hub/token", "admin": "/hub/admin", "not-found": "/hub/nothing",
	} {
		b.open(path)
		b.show(name)
	}
}
