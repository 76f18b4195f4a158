package subdomains_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// labIsUsable holds once JupyterLab can be worked with.
const labIsUsable = `document.querySelector('.jp-LauncherCard, .jp-Launcher-body')`

// work saves a file, and asks a shell over a WebSocket that stays open. What the
// socket says when it ends is kept in the page.
const work = `async () => {
	const base = new URL("/user/ada/", location.origin)
	const saved = await fetch(new URL("api/contents/note.txt", base), {
		method: "PUT", body: JSON.stringify({type: "file", format: "text", content: "from ada's host"}),
	})
	const terminal = await (await fetch(new URL("api/terminals", base), {method: "POST"})).json()
	const socket = new WebSocket(new URL("terminals/websocket/" + terminal.name, base).href.replace("http", "ws"))
	window.ended = new Promise(resolve => { socket.onclose = event => resolve(event.code) })
	const said = await new Promise((resolve, reject) => {
		let all = ""
		socket.onerror = () => reject(new Error("no WebSocket"))
		socket.onopen = () => socket.send(JSON.stringify(["stdin", "cat note.txt; echo $((6*7))done\r"]))
		socket.onmessage = message => {
			const [kind, text] = JSON.parse(message.data)
			if (kind === "stdout" && (all += text).includes("42done")) resolve(all)
		}
	})
	return {saved: saved.status, said, cookies: document.cookie}
}`

// A day on a host of one's own: log in at the hub, start the server, work in
// JupyterLab, log out at the hub, which ends what is open at the other host.
func TestJourney(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{})
	ada := newPerson(t, town)
	ada.open(town.URL + "/")
	ada.logIn("ada")
	ada.until(`location.pathname.startsWith("/user/ada/lab") && location.host.startsWith("ada.")`)
	ada.until(labIsUsable)
	if address := ada.address(); !strings.HasPrefix(address, town.of("ada")+"/user/ada/lab") {
		t.Fatalf("the server is at %s", address)
	}
	var done struct {
		Saved         int
		Said, Cookies string
	}
	ada.evaluate("("+work+")()", &done)
	if done.Saved != 201 || !strings.Contains(done.Said, "from ada's host") {
		t.Errorf("saved with %d, the shell says %q", done.Saved, done.Said)
	}
	if strings.Contains(done.Cookies, "caddyhub") {
		t.Errorf("scripts see cookies that log in: %q", done.Cookies)
	}
	// The page loads again as it was, with no way round by the hub.
	ada.do(chromedp.Reload())
	ada.until(labIsUsable)
	ada.evaluate("("+work+")()", &done)

	// In another tab of the same browser.
	other, closeTab := chromedp.NewContext(ada)
	defer closeTab()
	// The tab lives as long as the context of its first run.
	if err := chromedp.Run(other); err != nil {
		t.Fatal(err)
	}
	tab := &person{other, t, town}
	tab.open(town.URL + "/hub/home")
	tab.do(chromedp.Click(`#logout`, chromedp.ByQuery), chromedp.WaitVisible(`#login_submit`, chromedp.ByQuery))

	var code int
	ada.evaluate(`window.ended`, &code)
	if code != 1008 {
		t.Errorf("after logging out the WebSocket is closed with %d", code)
	}
	var status int
	ada.evaluate(`fetch("/user/ada/api/contents/note.txt").then(response => response.status)`, &status)
	if status != 401 {
		t.Errorf("after logging out a file is answered %d", status)
	}
	// Logging in again in the other tab makes the same page work again.
	tab.logIn("ada")
	tab.open(town.of("ada") + "/user/ada/lab")
	tab.until(labIsUsable)
	ada.evaluate(`fetch("/user/ada/api/contents/note.txt").then(response => response.status)`, &status)
	if status != 200 {
		t.Errorf("after logging in again a file is answered %d", status)
	}
}
