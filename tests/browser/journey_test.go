package browser_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const notebook = "/user/ada/lab/tree/journey.ipynb"

// TestJourney is a day of a user: log in, start, work, save, come back, stop,
// log out. What a store does and what a scheme does have nothing to do with each
// other, so two pairs are enough.
func TestJourney(t *testing.T) {
	for name, options := range map[string]func(*testing.T) hubtest.Options{
		"embedded_http": func(*testing.T) hubtest.Options { return hubtest.Options{} },
		"redis_https": func(t *testing.T) hubtest.Options {
			return hubtest.Options{HTTPS: true, Redis: redistest.Start(t, redistest.Options{})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := options(t)
			hub := hubtest.Start(t, options)
			b := newVisitor(t, hub)

			arrive(b)
			b.start()
			b.until(labIsUsable)
			b.checkProgress()
			api := hub.API(hub.Token("ada"))
			work(b, api)
			checkCookies(b, options.HTTPS)

			again := b.another()
			b.close()
			comeBack(again)
			again.stop()
			api.WaitServer("ada", "", false)
			again.do(chromedp.Click(`#logout`, chromedp.ByQuery))
			again.until(`document.querySelector('#login, #login_submit')`)
			again.open(notebook)
			if path := again.path(); path != "/hub/login" {
				t.Errorf("after logging out, %s leads to %s", notebook, path)
			}
			checkTraffic(again, options.HTTPS)
		})
	}
}

// arrive opens the hub like somebody who was given its address.
func arrive(b *tab) {
	b.t.Helper()
	b.open("/")
	if path := b.path(); path != "/hub/login" {
		b.fail("the hub opens with %s", path)
	}
	b.open("/hub/home")
	b.logIn("ada")
	if path := b.path(); path != "/hub/home" {
		b.fail("logging in on the way to /hub/home leads to %s", path)
	}
}

// work makes a notebook, runs a cell in it and saves it.
func work(b *tab, api *hubtest.Client) {
	b.t.Helper()
	createNotebook(b.t, api, "ada", "journey.ipynb")
	b.open(notebook)
	b.typeAndRun(`import os; print(6 * 7, os.environ["JUPYTERHUB_USER"])`)
	b.until(outputIs("42 ada"))
	b.save()
	if answer := api.Do(http.MethodGet, "/user/ada/api/contents/journey.ipynb", nil); !strings.Contains(string(answer.Body), `42 ada`) {
		b.t.Errorf("saved: %s", answer)
	}
	saved, err := os.ReadFile(filepath.Join(b.hub.Home("ada"), "journey.ipynb"))
	if err != nil || !strings.Contains(string(saved), "42 ada") {
		b.t.Errorf("on disk: %v\n%s", err, saved)
	}
	sockets := b.record.to(`^/user/ada/api/kernels/[^/]+/channels$`)
	if !slices.ContainsFunc(sockets, func(r request) bool {
		return r.kind == network.ResourceTypeWebSocket && r.status/100 < 3 && r.status > 0
	}) {
		b.t.Errorf("no WebSocket to the kernel was opened: %v", sockets)
	}
}

// comeBack opens the hub's address in a fresh tab: it leads to the server
// without a question, and the notebook is as it was left.
func comeBack(b *tab) {
	b.t.Helper()
	b.open("/")
	b.until(labIsUsable)
	if path := b.path(); !strings.HasPrefix(path, "/user/ada/lab") {
		b.fail("coming back leads to %s", path)
	}
	b.open(notebook)
	b.until(kernelIsIdle)
	b.until(outputIs("42 ada"))
}

// createNotebook puts a notebook with one empty cell into a user's home, through
// the contents API of the server.
func createNotebook(t testing.TB, api *hubtest.Client, user, name string) {
	t.Helper()
	type object = map[string]any
	answer := api.Do(http.MethodPut, "/user/"+user+"/api/contents/"+name, object{
		"type": "notebook", "format": "json", "content": object{
			"nbformat": 4, "nbformat_minor": 5,
			"metadata": object{"kernelspec": object{"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
			"cells": []object{{
				"id": "only", "cell_type": "code", "source": "", "metadata": object{}, "outputs": []object{}, "execution_count": nil,
			}},
		},
	})
	if answer.Status != http.StatusCreated {
		t.Fatalf("making a notebook: %s", answer)
	}
}

// cookie is what matters about one.
type cookie struct {
	Path             string
	HTTPOnly, Secure bool
	SameSite         network.CookieSameSite
}

// checkCookies holds all cookies of the window to what they should be. None is
// from an OAuth login of the server.
func checkCookies(b *tab, https bool) {
	b.t.Helper()
	var cookies []*network.Cookie
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		cookies, err = storage.GetCookies().Do(ctx)
		return err
	}))
	got := make(map[string]cookie)
	for _, c := range cookies {
		got[c.Name+" "+c.Path] = cookie{c.Path, c.HTTPOnly, c.Secure, c.SameSite}
	}
	session, device := "caddyhub-session", "caddyhub-device"
	if https {
		session, device = "__Host-"+session, "__Secure-"+device
	}
	lax := network.CookieSameSiteLax
	want := map[string]cookie{
		session + " /":            {"/", true, https, lax},
		"jupyterhub-session-id /": {"/", true, https, lax},
		device + " /hub/login":    {"/hub/login", true, https, network.CookieSameSiteStrict},
		// Scripts of pages read these and send them back.
		"_xsrf /hub/":      {"/hub/", false, https, lax},
		"_xsrf /user/ada/": {"/user/ada/", false, https, lax},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

// checkTraffic looks at everything that the browser has sent and received.
func checkTraffic(b *tab, https bool) {
	b.t.Helper()
	b.record.check(b.t)
	if rounds := b.record.to(`/oauth2/authorize|/oauth_(login|callback)`); len(rounds) > 0 {
		b.t.Errorf("one's own server took a login by OAuth: %v", rounds)
	}
	// A WebSocket over HTTP/2 is a stream of the connection that is there (RFC 8441).
	want, opened := "http/1.1", int64(http.StatusSwitchingProtocols)
	if https {
		want, opened = "h2", http.StatusOK
	}
	var pages int
	for _, r := range b.record.all() {
		if r.kind == network.ResourceTypeWebSocket {
			if r.status > 0 && r.status < 400 && r.status != opened {
				b.t.Errorf("not opened with status %d: %v", opened, r)
			}
			continue
		}
		if r.protocol == "" || !b.record.ours(r.url) || !strings.HasPrefix(r.url, "http") {
			continue
		}
		pages++
		if r.protocol != want {
			b.t.Errorf("not over %s: %v", want, r)
		}
	}
	if pages == 0 {
		b.t.Error("no request was recorded")
	}
	var hop string
	b.evaluate(`performance.getEntriesByType('navigation')[0].nextHopProtocol`, &hop)
	if hop != want {
		b.t.Errorf("the page itself came over %q, want %q", hop, want)
	}
}
