package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestAdministration: an administrator adds users, runs the server of one, gives
// them rights, finds them again and deletes them, on one page.
func TestAdministration(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{Admins: []string{"grace"}})
	api := hub.API(hub.Token("grace"))
	b := newVisitor(t, hub)
	b.open("/hub/home")
	b.logIn("grace")
	b.submit(`nav a[href="/hub/admin"]`)
	b.until(listed("grace"))
	b.show("admin")

	// A name that is markup to whoever forgets to escape it.
	const odd = `o'neil&<b>`
	b.do(chromedp.SendKeys(`#add-usernames`, "zoe\n"+odd, chromedp.ByQuery), chromedp.Click(`#add-users button`, chromedp.ByQuery))
	b.until(listed("zoe") + " && " + listed(odd))
	var bold int
	b.evaluate(`document.querySelectorAll('#users-table b').length`, &bold)
	if bold != 0 {
		t.Error("a name became markup")
	}

	b.press("Start the server of zoe")
	b.until(`document.querySelector('[aria-label="Open the server of zoe"]')`)
	b.press("Stop the server of zoe")
	b.until(`document.querySelector('[aria-label="Start the server of zoe"]')`)
	api.WaitServer("zoe", "", false)

	b.press("Edit zoe")
	b.do(chromedp.Click(`#edit-admin`, chromedp.ByQuery), chromedp.Click(`#edit-user-form button[type=submit]`, chromedp.ByQuery))
	b.until(`document.querySelector('[data-user=zoe] .badge')`)
	var zoe struct{ Admin bool }
	api.Do(http.MethodGet, "/hub/api/users/zoe", nil).JSON(t, &zoe)
	if !zoe.Admin {
		t.Error("zoe is no administrator")
	}

	b.do(chromedp.SendKeys(`#user-search`, "neil", chromedp.ByQuery), chromedp.Submit(`#admin-search`, chromedp.ByQuery))
	b.until(listed(odd) + " && !" + listed("zoe"))
	b.do(chromedp.Reload())
	b.until(listed(odd) + " && !" + listed("zoe"))

	b.evaluate(`window.confirm = (question) => { document.title = question; return true; }`, nil)
	b.press("Delete " + odd)
	b.until(`document.getElementById('users-range').textContent === 'No user was found.'`)
	var asked string
	b.evaluate(`document.title`, &asked)
	if !strings.Contains(asked, odd) {
		t.Errorf("the question was %q", asked)
	}

	// What the API refuses is told in its words.
	b.open("/hub/admin")
	b.until(listed("grace"))
	b.evaluate(`window.confirm = () => true`, nil)
	b.press("Delete grace")
	b.until(`document.getElementById('admin-message').textContent === 'Cannot delete yourself!'`)
	b.until(listed("grace"))
	b.record.check(t, expected{http.StatusBadRequest, "^/hub/api/users/grace$"})
}

// listed is true when a user has a row.
func listed(name string) string {
	return `[...document.querySelectorAll('.user-row')].some((row) => row.dataset.user === ` + quoted(name) + `)`
}

// press clicks on the button with this name.
func (b *tab) press(name string) {
	b.t.Helper()
	b.until(`document.querySelector('[aria-label=' + CSS.escape(` + quoted(name) + `) + ']:enabled')`)
	b.evaluate(`document.querySelector('[aria-label=' + CSS.escape(`+quoted(name)+`) + ']').click()`, nil)
}
