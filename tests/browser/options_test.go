package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// asking is a spawner that asks for options.
const asking = `option machine {
				label "Size of the machine"
				type radio
				choice small "Small" {
					mem_limit 1G
				}
				choice large "Large" {
					help "For those who train models."
					mem_limit 3G
				}
				choice gpu {
					groups gpu
				}
				environment MACHINE {value}
			}
			option branch {
				label "Git branch"
				placeholder main
				pattern [a-z/]+
				environment GIT_BRANCH {value}
			}
			option hours {
				type number
				min 1
				max 8
				default 2
				environment HOURS {value}
			}
			option debug {
				label "Log everything"
				type checkbox
				environment DEBUG yes
			}
			options_form "<p><label for=course>Course</label> <input id=course name=course></p>"`

// formValues is what the form of a page holds.
const formValues = `Object.fromEntries([...new FormData(document.querySelector('#spawn_form'))].filter(([name]) => name !== '_xsrf'))`

// TestOptions: a user chooses, finds the choice in the server, and finds it
// chosen the next time.
func TestOptions(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{Spawner: asking})
	b := newVisitor(t, hub)
	arrive(b)
	b.start()
	b.until(`document.querySelector('#spawn_form')`)
	b.show("options")
	if diff := cmp.Diff(map[string]string{"machine": "small", "branch": "", "hours": "2", "course": ""}, b.form()); diff != "" {
		t.Errorf("the form begins with (-want +got):\n%s", diff)
	}
	var offered []string
	b.evaluate(`[...document.querySelectorAll('#spawn_form input[type=radio]')].map((choice) => choice.value)`, &offered)
	if diff := cmp.Diff([]string{"small", "large"}, offered); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}

	// By its labels, as people find their way.
	b.label("Large")
	b.label("Log everything")
	b.do(
		chromedp.SendKeys(`input[name=branch]`, "No Branch", chromedp.ByQuery),
		chromedp.SendKeys(`input[name=course]`, "biology", chromedp.ByQuery),
		chromedp.Click(`#spawn_form button[type=submit]`, chromedp.ByQuery),
	)
	b.until(`document.querySelector('input[name=branch]:invalid')`)
	// Had it been sent, the record would have a 400.
	b.do(
		chromedp.SetValue(`input[name=branch]`, "dev/ada", chromedp.ByQuery),
		chromedp.SetValue(`input[name=hours]`, "4", chromedp.ByQuery),
		chromedp.Click(`#spawn_form button[type=submit]`, chromedp.ByQuery),
	)
	b.until(labIsUsable)

	api := hub.API(hub.Token("ada"))
	createNotebook(t, api, "ada", "options.ipynb")
	b.open("/user/ada/lab/tree/options.ipynb")
	b.typeAndRun(`import os; print(*[os.environ.get(n) for n in ("MACHINE", "GIT_BRANCH", "HOURS", "DEBUG", "MEM_LIMIT")])`)
	b.until(outputIs("large dev/ada 4 yes 3221225472"))
	b.save()

	b.stop()
	b.start()
	b.until(`document.querySelector('#spawn_form')`)
	want := map[string]string{"machine": "large", "branch": "dev/ada", "hours": "4", "debug": "on", "course": ""}
	if diff := cmp.Diff(want, b.form()); diff != "" {
		t.Errorf("the next time the form holds (-want +got):\n%s", diff)
	}
	var model struct {
		Servers map[string]struct {
			UserOptions map[string]any `json:"user_options"`
		}
	}
	api.Do(http.MethodGet, "/hub/api/users/ada?include_stopped_servers", nil).JSON(t, &model)
	stored := map[string]any{"machine": "large", "branch": "dev/ada", "hours": 4.0, "debug": true, "course": []any{"biology"}}
	if diff := cmp.Diff(stored, model.Servers[""].UserOptions); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	b.record.check(t)
}

// TestOptionsRefused: what only the hub can see to be wrong is told on the form,
// with all that was typed still there.
func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{Spawner: asking + "\n\t\t\toption project {\n\t\t\t\trequired\n\t\t\t}"})
	b := newVisitor(t, hub)
	arrive(b)
	b.open("/hub/spawn")
	b.label("Large")
	b.do(chromedp.SetValue(`input[name=branch]`, "<b>", chromedp.ByQuery), chromedp.SetValue(`input[name=project]`, "p", chromedp.ByQuery))
	// A browser that knows no patterns.
	b.evaluate(`document.querySelector('#spawn_form').noValidate = true`, nil)
	b.submit(`#spawn_form button[type=submit]`)
	b.until(`document.querySelector('.spawn-error-msg[role=alert]')`)
	var said string
	b.evaluate(`document.querySelector('.spawn-error-msg').textContent`, &said)
	if !strings.Contains(said, `Git branch: "<b>" does not have the form that is asked for`) {
		t.Errorf("the form says %q", said)
	}
	want := map[string]string{"machine": "large", "branch": "<b>", "hours": "2", "course": "", "project": "p"}
	if diff := cmp.Diff(want, b.form()); diff != "" {
		t.Errorf("the form holds (-want +got):\n%s", diff)
	}
	b.record.check(t, expected{http.StatusBadRequest, "^/hub/spawn"})
}

// form is what the form on the page would send, without its signature.
func (b *tab) form() (values map[string]string) {
	b.t.Helper()
	b.evaluate(formValues, &values)
	return values
}

// label clicks on the label with these words.
func (b *tab) label(words string) {
	b.t.Helper()
	b.do(chromedp.Click(`//label[normalize-space()="`+words+`"]`, chromedp.BySearch))
}
