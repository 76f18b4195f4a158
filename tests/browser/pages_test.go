package browser_test

import (
	"encoding/json"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// logIn fills in the login form, on the page that the tab shows.
func (b *tab) logIn(user string) {
	b.t.Helper()
	b.do(
		chromedp.WaitVisible(`#login_submit`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=username]`, user, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=password]`, hubtest.Password, chromedp.ByQuery),
		chromedp.Click(`#login_submit`, chromedp.ByQuery),
	)
	b.until(`document.readyState === 'complete' && location.pathname !== '/hub/login'`)
}

// start presses the button on the home page.
func (b *tab) start() {
	b.t.Helper()
	b.open("/hub/home")
	b.do(chromedp.Click(`a#start`, chromedp.ByQuery))
}

// stop presses the button on the home page and waits until the server is gone.
func (b *tab) stop() {
	b.t.Helper()
	b.open("/hub/home")
	b.do(chromedp.Click(`#stop`, chromedp.ByQuery))
	b.until(isStopped)
}

// isStopped is true when the home page offers to start the server.
const isStopped = `document.querySelector('#start')?.textContent === 'Start My Server'`

// labIsUsable is true when JupyterLab is there and reacts.
const labIsUsable = `document.querySelector('#jp-main-dock-panel') && !document.querySelector('#jupyterlab-splash')
	&& document.querySelector('.jp-Launcher, .jp-NotebookPanel')`

// kernelIsIdle is true when the notebook that is shown has a kernel, not merely
// the prospect of one, that waits for work.
const kernelIsIdle = `document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status=idle]')
	&& document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-KernelName')?.textContent.includes('Python 3')
	&& document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content')`

// typeAndRun types code into the first cell of the notebook that is shown and
// runs it, with the keyboard.
func (b *tab) typeAndRun(code string) {
	b.t.Helper()
	b.until(kernelIsIdle)
	b.do(
		chromedp.Click(`.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content`, chromedp.ByQuery),
		input.InsertText(code),
		chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierShift)),
	)
}

// quoted is text as a script writes it.
func quoted(text string) string {
	literal, _ := json.Marshal(text) // a string always encodes
	return string(literal)
}

// outputIs is true when the first cell shows an output.
func outputIs(text string) string {
	return `document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output pre')?.textContent.trim() === ` + quoted(text)
}

// save presses Ctrl+S and waits until the notebook has no unsaved changes.
func (b *tab) save() {
	b.t.Helper()
	b.until(hasChanges)
	b.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(input.ModifierCtrl)))
	b.until("!" + hasChanges)
}

// hasChanges is true while the notebook that is shown differs from what is saved.
const hasChanges = `document.querySelector('#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current.jp-mod-dirty')`

// watchProgress runs in every page, before its own scripts. It notes what the
// page of a start shows, each time that changes.
const watchProgress = `
if (location.pathname.startsWith('/hub/spawn-pending/')) {
	const shown = JSON.parse(sessionStorage.getItem('shown') ?? '[]');
	const look = () => {
		if (document.readyState === 'loading') return;
		const bar = document.getElementById('progress-bar');
		const log = [...document.querySelectorAll('#progress-log li')].map((entry) => entry.textContent);
		const last = shown.at(-1);
		if (!bar || !log.length || last && last.percent === bar.value && last.log.length === log.length) return;
		shown.push({percent: bar.value, message: document.getElementById('progress-message').textContent, log});
		sessionStorage.setItem('shown', JSON.stringify(shown));
	};
	new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
	document.addEventListener('DOMContentLoaded', look);
}`

// progress is what the page of a start showed at one moment.
type progress struct {
	Percent float64
	Message string
	Log     []string
}

// checkProgress wants a bar that moves, and never back, with the message of the
// present step, and a log with the real steps in their order, each once.
func (b *tab) checkProgress() {
	b.t.Helper()
	var list []progress
	b.evaluate(`JSON.parse(sessionStorage.getItem('shown') ?? '[]')`, &list)
	if len(list) < 2 {
		b.t.Fatalf("the bar stood still: %v", list)
	}
	for i, shown := range list[1:] {
		if shown.Percent < list[i].Percent {
			b.t.Errorf("the bar moved back: %v", list)
		}
		if shown.Message != shown.Log[len(shown.Log)-1] {
			b.t.Errorf("not the message of the present step: %+v", shown)
		}
	}
	first, last := list[0], list[len(list)-1]
	if first.Percent == 100 || last.Percent != 100 {
		b.t.Errorf("the bar goes from %v to %v", first.Percent, last.Percent)
	}
	want := []string{
		"Server requested", "Environment prepared, starting the server", "Starting the server's process",
		"Server started, waiting for it to answer", "Server ready at /user/ada/",
	}
	if diff := cmp.Diff(want, last.Log); diff != "" {
		b.t.Errorf("the log of the start (-want +got):\n%s", diff)
	}
}
