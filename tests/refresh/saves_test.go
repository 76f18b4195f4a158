package refresh_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// working is how long people work in these tests, and pause the time between two
// saves.
func working(t testing.TB) (lasts, pause time.Duration) {
	t.Helper()
	text := os.Getenv("CADDYHUB_TEST_SAVING")
	if text == "" {
		return 12 * time.Second, 2 * time.Second
	}
	lasts, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CADDYHUB_TEST_SAVING: %v", err)
	}
	return lasts, 10 * time.Second
}

// externalLogin is a hub whose users log in at the service, and whose every token
// lives no longer than the service's.
func externalLogin(service *loginService, lifetime time.Duration) hubtest.Options {
	return hubtest.Options{
		Authenticator: `authenticator external_cookie {
			cookie org-id-token
			verify ` + service.url + `/verify
			login_url ` + service.url + `/
			groups_claim groups
			auth_state_claims expires
			token_claim token
			token_environment ORG_TOKEN
		}`,
		Hub: fmt.Sprintf(`session {
			refresh %[1]s
			refresh_grace 1m
			refresh_pre_spawn
		}
		token {
			max_lifetime %[1]s
			oauth_lifetime %[1]s
		}`, lifetime),
	}
}

// TestSaves is the scenario: tokens of one and of two seconds in every place where
// a lifetime can be set, an editor that saves, a kernel that talks, and nobody who
// visits the hub.
func TestSaves(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Second, 2 * time.Second} {
		t.Run(lifetime.String(), func(t *testing.T) {
			t.Parallel()
			lasts, pause := working(t)
			service := startLoginService(t, lifetime, "http://localhost:")
			hub := hubtest.Start(t, externalLogin(service, lifetime))
			e := newEditor(t, lasts, patience, hub.URL, service, hub.Home("ada"))
			e.work(lasts, pause)
			t.Logf("%d saves in %s, %d failed; %d lines of the kernel", e.saves, lasts, len(e.failed), e.lines)
			if len(e.failed) > 0 {
				t.Errorf("%d of %d saves failed: %v", len(e.failed), e.saves, e.failed)
			}
			if visits := e.tab.since(e.begun, "GET", "/hub/"); len(visits) > 0 {
				t.Errorf("the hub was visited: %v", visits)
			}
			e.losesLogin()
			e.comesBack()
		})
	}
}

// editor is somebody who works in JupyterLab.
type editor struct {
	t       testing.TB
	browser context.Context
	tab     *tab
	service *loginService
	hub     string
	home    string
	// begun is the number of the first answer to the tab after the editor was open.
	begun int
	// lost is that of the first one after the login ended.
	lost  int
	saves int
	// failed are the answers to saves that did not succeed.
	failed []int64
	// told is what the editor said about the first of them.
	told string
	// lines are how many the kernel says.
	lines int
}

// newEditor logs ada in at the service and opens a notebook on her server, once more
// if that takes longer than again.
func newEditor(t testing.TB, lasts, again time.Duration, hub string, service *loginService, home string) *editor {
	t.Helper()
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "work.ipynb"), []byte(notebook), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t, lasts)
	e := &editor{t: t, browser: browser, tab: newTab(browser, t), service: service, hub: hub, home: home}
	e.logIn(again)
	return e
}

// enter logs in at the service and goes on from there.
func (e *editor) enter(b *tab, next string) {
	e.t.Helper()
	b.open(e.service.url + "/?next=" + next)
	b.do(chromedp.SendKeys(`input[name=name]`, "ada", chromedp.ByQuery), chromedp.Click(`#login`, chromedp.ByQuery))
}

// logIn enters, and waits for the notebook.
func (e *editor) logIn(again time.Duration) {
	e.t.Helper()
	e.enter(e.tab, e.hub+"/user/ada/lab/tree/work.ipynb")
	var begun time.Time
	for deadline := time.Now().Add(patience); !e.tab.holds(ready); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			e.tab.fail("no notebook")
		}
		switch {
		case e.tab.holds(`document.querySelector('a#start') && document.readyState === 'complete'`):
			e.tab.do(chromedp.Click(`a#start`, chromedp.ByQuery)) // the server does not run yet
		case !e.tab.holds(`location.pathname.startsWith('/user/ada/lab')`):
		case begun.IsZero():
			begun = time.Now()
		case time.Since(begun) > again:
			e.tab.do(chromedp.Reload())
			begun = time.Now()
		}
	}
}

const notebook = `{"nbformat": 4, "nbformat_minor": 5,
 "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
 "cells": [{"id": "only", "cell_type": "code", "source": "", "metadata": {}, "outputs": [], "execution_count": null}]}`

// Conditions of the page.
const (
	ready = `document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]')
		&& document.querySelector('.jp-NotebookPanel .jp-KernelName')?.textContent.includes('Python 3')
		&& document.querySelector('.jp-NotebookPanel .jp-CodeCell .cm-content')`
	cell   = `.jp-NotebookPanel .jp-CodeCell .cm-content`
	dialog = `document.querySelector('.jp-Dialog')`
	// disconnected is when the kernel's WebSocket is gone, saving while a save goes on.
	disconnected = `/Connecting|Disconnected|Reconnecting/.test(document.querySelector('#jp-main-statusbar')?.textContent)`
	saving       = `document.querySelector('#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current.jp-mod-dirty')`
	output       = `[...document.querySelectorAll('.jp-NotebookPanel .jp-OutputArea-output pre')].map((e) => e.textContent).join('')`
)

// work runs a cell that talks all the time, and saves.
func (e *editor) work(lasts, pause time.Duration) {
	e.t.Helper()
	e.lines = int(lasts/(500*time.Millisecond)) + 1
	e.begun = e.tab.now()
	e.run(fmt.Sprintf("import time\nfor i in range(%d):\n    print(i, flush=True)\n    time.sleep(0.5)", e.lines))
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		time.Sleep(pause)
		if status := e.save(); status != http.StatusOK {
			e.failed = append(e.failed, status)
			e.putAway()
		}
		e.saves++
	}
	e.tab.until(`(` + output + `).trim().endsWith("` + strconv.Itoa(e.lines-1) + `")`)
	var want strings.Builder
	for i := range e.lines {
		fmt.Fprintln(&want, i)
	}
	if got := e.tab.text(output); got != want.String() {
		e.t.Errorf("the kernel said %d lines, and these arrived: %q", e.lines, got)
	}
}

// run waits for the kernel and executes code.
func (e *editor) run(code string) {
	e.t.Helper()
	e.tab.until(ready)
	e.execute(code)
}

// execute types code into the cell and runs it.
func (e *editor) execute(code string) {
	e.t.Helper()
	e.tab.do(
		chromedp.Click(cell, chromedp.ByQuery),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)),
		input.InsertText(code),
		chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierCtrl)),
	)
}

// save presses Ctrl+S and returns the status of the answer. What the editor says
// about a failure is read and put away.
func (e *editor) save() int64 {
	e.t.Helper()
	first := e.tab.now()
	var pressed time.Time
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if time.Since(pressed) > 10*time.Second { // a busy page may have missed it
			e.tab.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(input.ModifierCtrl)))
			pressed = time.Now()
		}
		if saved := e.tab.since(first, "PUT", "/api/contents/work.ipynb"); len(saved) > 0 {
			return saved[len(saved)-1].status
		}
		if e.tab.holds(dialog) || time.Now().After(deadline) {
			before := e.tab.since(first, "GET", "/api/contents/work.ipynb")
			if i := slices.IndexFunc(before, func(x exchange) bool { return x.status >= 400 }); i >= 0 {
				return before[i].status // it asks whether the file has changed, first
			}
			e.tab.fail("nothing was saved")
		}
	}
}

// losesLogin ends the login at the service: the next save is refused, in a way that
// the editor shows.
func (e *editor) losesLogin() {
	e.t.Helper()
	// JupyterLab asks after a lost kernel again in 10 to 30 seconds, by chance.
	e.tab.do(chromedp.Evaluate(`{ const random = Math.random; Math.random = () => random() / 100 }`, nil))
	e.run("x = 'still there'")
	e.tab.until(ready)
	if status := e.save(); status != http.StatusOK {
		e.tab.fail("a save was answered %d", status)
	}
	e.tab.until("!" + saving)
	e.lost = e.tab.now()
	e.service.end("ada")
	e.tab.until(disconnected) // its WebSocket has been closed
	e.typeIn("# unsaved")
	if status := e.save(); status != http.StatusUnauthorized {
		e.tab.fail("a save was answered %d", status)
	}
	e.tab.until(dialog)
	if told := e.tab.text(dialog + ".innerText"); !strings.Contains(told, "Log in again in another tab") {
		e.t.Errorf("the editor says %q", told)
	}
	e.tab.show("refused")
	e.tab.do(chromedp.Click(`.jp-Dialog button`, chromedp.ByQuery))
}

// typeIn types at the end of the cell.
func (e *editor) typeIn(text string) {
	e.t.Helper()
	e.tab.do(
		chromedp.Click(cell, chromedp.ByQuery),
		chromedp.KeyEvent(kb.End, chromedp.KeyModifiers(input.ModifierCtrl)), input.InsertText(text),
	)
}

// comesBack logs in again in another tab. Then the first one can save what it has,
// and goes on with its kernel by itself, which has its variables.
func (e *editor) comesBack() {
	e.t.Helper()
	second := newTab(e.browser, e.t)
	// Any page of the server will do. Another JupyterLab would take its time.
	e.enter(second, e.hub+"/user/ada/api/status")
	second.until(`location.pathname === '/user/ada/api/status' && document.body.innerText.includes('kernels')`)
	e.tab.do(page.BringToFront())
	if status := e.save(); status != http.StatusOK {
		e.tab.fail("after a new login, a save was answered %d", status)
	}
	saved, err := os.ReadFile(filepath.Join(e.home, "work.ipynb"))
	if err != nil || !strings.Contains(string(saved), "# unsaved") {
		e.t.Errorf("saved: %s, %v", saved, err)
	}
	e.tab.until("!(" + disconnected + ")")
	// Until something runs, JupyterLab shows such a kernel as Unknown.
	e.execute("print(x)")
	e.tab.until(`(` + output + `).trim() === "still there"`)
	e.tab.until(ready)
	e.tab.show("came-back")
	for _, asked := range e.tab.since(e.lost, "GET", "/api/kernels/") {
		if asked.status != http.StatusOK && asked.status != http.StatusServiceUnavailable {
			e.t.Errorf("asked after its kernel, the page was answered %d", asked.status)
		}
	}
}
