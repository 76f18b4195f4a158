package browser_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// shared is where a link leads.
const shared = "/user/ada/lab/tree/shared.ipynb"

// sharedToken is for a link: it opens ada's server and nothing else.
func sharedToken(t *testing.T, ada *hubtest.Client) (token, id string) {
	t.Helper()
	var made struct{ Token, ID string }
	answer := ada.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{
		"note": "for a colleague", "scopes": []string{"access:servers!server=ada/"},
	})
	answer.JSON(t, &made)
	return made.Token, made.ID
}

// TestSharedLink: a link with a token works for good, not only for its first request:
// for somebody without an account and for somebody else who is logged in, until it is
// revoked.
func TestSharedLink(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{Directive: "token_in_url persist"})
	hub.LogIn("ada")
	ada := hub.API(hub.Token("ada"))
	ada.StartServer("ada", "")
	createNotebook(t, ada, "ada", "shared.ipynb")
	token, id := sharedToken(t, ada)

	stranger := newVisitor(t, hub)
	stranger.open(shared + "?token=" + token)
	worksByLink(stranger, `import os; print("stranger", os.environ["JUPYTERHUB_USER"])`, "stranger ada")
	stranger.save()
	stranger.do(chromedp.Reload())
	stranger.until(labIsUsable)
	stranger.until(outputIs("stranger ada"))
	stranger.until(kernelIsIdle)
	beside := stranger.another()
	beside.open("/hub/home")
	if path := beside.path(); path != "/hub/login" {
		t.Errorf("the link has logged somebody in: /hub/home leads to %s", path)
	}
	beside.close()
	stranger.record.check(t)

	bob := newVisitor(t, hub)
	bob.open("/hub/home")
	bob.logIn("bob")
	bob.open(shared + "?token=" + token)
	var asked string
	bob.evaluate(`document.querySelector("main").innerText`, &asked)
	if !strings.Contains(asked, "ada") || !strings.Contains(asked, "bob") {
		t.Errorf("asked: %s", asked)
	}
	bob.submit(`button[name=act_as][value=link]`)
	bob.until(outputIs("stranger ada"))
	worksByLink(bob, `print("and bob")`, "and bob")
	elsewhere := bob.another()
	elsewhere.open("/hub/home")
	elsewhere.until(`document.querySelector('.user-name')?.textContent.includes('bob')`)
	elsewhere.close()
	bob.record.check(t)

	if answer := ada.Do(http.MethodDelete, "/hub/api/users/ada/tokens/"+id, nil); answer.Status != http.StatusNoContent {
		t.Fatalf("revoke: %s", answer)
	}
	for name, b := range map[string]*tab{"the stranger": stranger, "bob": bob} {
		want := map[string]int{"the stranger": http.StatusUnauthorized, "bob": http.StatusForbidden}[name]
		var status int
		b.evaluate(`fetch("/user/ada/api/contents/shared.ipynb").then((answer) => answer.status)`, &status)
		if status != want {
			t.Errorf("%s after the token was revoked: %d, want %d", name, status, want)
		}
	}
	stranger.open(shared)
	if path := stranger.path(); path != "/hub/login" {
		t.Errorf("after the token was revoked, the page leads to %s", path)
	}
}

// TestLinkOfJupyterLab: so do the tokens that extensions for sharing put into links
// without asking the hub: that of the server itself, in the file by which servers are
// found (jupyterlab-link-share), and the one in the page.
func TestLinkOfJupyterLab(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{Directive: "token_in_url persist"})
	hub.LogIn("ada")
	api := hub.API(hub.Token("ada"))
	api.StartServer("ada", "")
	ada := newVisitor(t, hub)
	ada.open("/hub/home")
	ada.logIn("ada")
	createNotebook(t, api, "ada", "shared.ipynb")
	ada.open("/user/ada/lab")
	ada.until(labIsUsable)
	var ofPage string
	ada.evaluate(`JSON.parse(document.querySelector("#jupyter-config-data").textContent).token`, &ofPage)
	for name, token := range map[string]string{"by the page": ofPage, "by the server": serverToken(t, hub)} {
		colleague := newVisitor(t, hub)
		colleague.open(shared + "?token=" + token)
		worksByLink(colleague, `print("`+name+`")`, name)
		colleague.record.check(t)
	}
}

// serverToken is the token in the file by which ada's server is found.
func serverToken(t *testing.T, hub *hubtest.Hub) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(hub.Home("ada"), ".local/share/jupyter/runtime/jpserver-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the files by which servers are found: %v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var found struct{ Token string }
	if err := json.Unmarshal(content, &found); err != nil || found.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return found.Token
}

// worksByLink runs a cell on the page of a link that was opened: the page, what it asks for and
// the kernel's WebSocket all work, and the token is nowhere to be seen.
func worksByLink(b *tab, code, output string) {
	b.t.Helper()
	b.until(labIsUsable)
	var address string
	b.evaluate(`location.pathname + location.search`, &address)
	if address != shared {
		b.t.Errorf("the address is %s", address)
	}
	b.until(kernelIsIdle)
	// Whatever somebody has left in the cell goes.
	b.do(
		chromedp.Click(`.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content`, chromedp.ByQuery),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)),
		input.InsertText(code),
		chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierShift)),
	)
	b.until(outputIs(output))
}
