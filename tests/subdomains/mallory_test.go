package subdomains_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// reach tries to get at an address with the credentials of whoever looks at the
// page, in every way that a page has, and tells of each what it got. "nothing"
// is what a page gets that may not read, or cannot even ask.
const reach = `async (page, socket) => {
	const attempt = async what => {
		try { return await what() } catch (error) { return "nothing" }
	}
	const text = async response => response.type === "opaque" || !response.ok ? "nothing" : await response.text()
	const frame = address => new Promise(resolve => {
		const element = document.createElement("iframe")
		element.onload = () => {
			try { resolve(element.contentDocument.body.innerText || "nothing") } catch (error) { resolve("nothing") }
		}
		element.src = address
		document.body.append(element)
		setTimeout(() => resolve("nothing"), 10000)
	})
	return {
		"fetch": await attempt(async () => text(await fetch(page, {credentials: "include"}))),
		"fetch, no-cors": await attempt(async () => text(await fetch(page, {credentials: "include", mode: "no-cors"}))),
		"fetch by the session's header": await attempt(async () => text(await fetch(page, {credentials: "include", headers: {"X-XSRFToken": document.cookie}}))),
		"PUT": await attempt(async () => text(await fetch(page, {method: "PUT", body: "{}", credentials: "include"}))),
		"XMLHttpRequest": await attempt(() => new Promise((resolve, reject) => {
			const request = new XMLHttpRequest()
			request.withCredentials = true
			request.onload = () => resolve(request.status === 200 ? request.responseText : "nothing")
			request.onerror = reject
			request.open("GET", page)
			request.send()
		})),
		"frame": await frame(page),
		"script": await attempt(async () => { await import(page); return "something" }),
		"WebSocket": await new Promise(resolve => {
			const opened = new WebSocket(socket)
			opened.onopen = () => resolve("something")
			opened.onerror = () => resolve("nothing")
		}),
	}
}`

// effects has a page cause requests without reading the answers.
const effects = `async (page) => {
	for (const kind of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
		const form = document.createElement("form")
		form.method = "POST"
		form.enctype = kind
		form.action = page + "?by=form&" + document.cookie.split("; ").find(pair => pair.startsWith("_xsrf"))
		const frame = document.createElement("iframe")
		frame.name = form.target = "frame" + kind
		document.body.append(frame, form)
		const done = new Promise(resolve => { frame.onload = resolve; setTimeout(resolve, 10000) })
		form.submit()
		await done
	}
	navigator.sendBeacon(page + "?by=beacon", "x")
	await fetch(page + "?by=fetch", {method: "POST", body: "x", mode: "no-cors", credentials: "include"}).catch(() => {})
	return "done"
}`

// A page on mallory's host, which ada visits while she is logged in, gets nothing
// of ada's server and does nothing there, in a real browser. The same page on
// ada's own host does all of it, so that what does not work elsewhere is kept off
// and not just broken.
func TestMalloryReachesNothing(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t), Admins: []string{"ada"}})
	town.server("ada")
	town.server("mallory")
	ada := newPerson(t, town)
	page := town.of("ada") + "/user/ada/secret"
	socket := "wss" + strings.TrimPrefix(town.of("ada"), "https") + "/user/ada/ws"

	ada.open(page)
	ada.logIn("ada")
	if at := ada.address(); at != page {
		t.Fatalf("ada is at %s", at)
	}
	var own map[string]string
	ada.evaluate("("+reach+")('"+page+"', '"+socket+"')", &own)
	for what, got := range own {
		// An opaque answer is opaque to everybody, and JSON is no script.
		if works := got != "nothing"; works == (what == "script") {
			t.Errorf("on her own host, %s: %.200s", what, got)
		}
	}

	mallorys := town.of("mallory") + "/user/mallory/page"
	ada.open(mallorys)
	if at := ada.address(); at != mallorys {
		t.Fatalf("at mallory's, ada is at %s", at)
	}
	// Cookies that a page sets for the whole domain reach ada's host and the hub.
	ada.evaluate(`["caddyhub-session=evil", "__Host-caddyhub-session=evil", "__Secure-caddyhub-session=evil", "__Host-caddyhub-handover=evil", "_xsrf=evil", "jupyterhub-session-id=evil"]
		.forEach(pair => { document.cookie = pair + "; Domain=`+domain+`; Path=/; Secure"; document.cookie = pair + "; Domain=`+domain+`; Path=/user/ada/; Secure" })`, nil)
	for what, address := range map[string]string{"ada's server": page, "the hub": town.URL + "/hub/api/user"} {
		var got map[string]string
		ada.evaluate("("+reach+")('"+address+"', '"+socket+"')", &got)
		for way, loot := range got {
			if loot != "nothing" {
				t.Errorf("mallory's page has of %s by %s: %.200s", what, way, loot)
			}
		}
	}
	before := requests(t, town)
	var done string
	ada.evaluate("("+effects+")('"+town.of("ada")+"/user/ada/effect')", &done)
	if diff := cmp.Diff(before, requests(t, town)); diff != "" {
		t.Errorf("ada's server saw requests of mallory's page:\n%s", diff)
	}
	// Nobody is logged out or somebody else by the cookies.
	ada.open(town.URL + "/hub/home")
	ada.do(chromedp.WaitVisible(`#logout`, chromedp.ByQuery))
	ada.open(page)
	if at := ada.address(); at != page {
		t.Errorf("afterwards ada is at %s", at)
	}
	// On her own host the same effects are had.
	ada.evaluate("("+effects+")('"+town.of("ada")+"/user/ada/effect')", &done)
	if cmp.Equal(before, requests(t, town)) {
		t.Errorf("a page of ada's host has no effects either")
	}
}

// requests is what of the effects has arrived at ada's server, and how often.
func requests(t testing.TB, town *town) map[string]int {
	t.Helper()
	counts := map[string]int{}
	var list []upstream.Arrived
	answer := town.API(town.Token("ada")).Do(http.MethodGet, town.of("ada")+"/user/ada/seen?seen", nil)
	wantServer(t, answer)
	answer.JSON(t, &list)
	for _, request := range list {
		if strings.Contains(request.Target, "/effect") {
			counts[fmt.Sprintf("%s %.60s", request.Method, request.Target)]++
		}
	}
	return counts
}
