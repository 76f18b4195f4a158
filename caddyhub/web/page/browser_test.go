package page

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a real browser on a small site that has our pages.
type browser struct {
	context.Context
	site *httptest.Server
	mux  *http.ServeMux

	mu      sync.Mutex
	trouble []string // what the browser complained about
}

func newBrowser(t *testing.T) (*browser, *Pages) {
	t.Helper()
	if !slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome", "headless-shell"}, onPath) {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatal("no Chromium in PATH")
		}
		t.Skip("no Chromium in PATH")
	}
	p := newPages(t, Options{})
	b := &browser{mux: http.NewServeMux()}
	b.mux.Handle("/hub/static/", p.Static())
	b.mux.Handle("/hub/logo", p.Logo())
	b.site = httptest.NewServer(b.mux)

	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	tab, closeTab := chromedp.NewContext(allocator)
	tab, cancel := context.WithTimeout(tab, time.Minute)
	b.Context = tab
	t.Cleanup(func() {
		cancel()
		closeTab()
		stop()
		b.site.CloseClientConnections()
		b.site.Close()
	})
	chromedp.ListenTarget(tab, b.listen)
	b.do(t, log.Enable(), runtime.Enable())
	return b, p
}

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// listen collects violations of the Content-Security-Policy and exceptions.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.SourceNetwork {
			b.trouble = append(b.trouble, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Error())
	}
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) show(p *Pages, path string, view View) {
	visitor := Visitor{Name: "ada", XSRF: "signed"}
	b.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { p.Render(w, 200, visitor, view) })
}

// until waits for a script to give true.
func (b *browser) until(t *testing.T, condition string) {
	t.Helper()
	b.do(t, chromedp.Poll(condition, nil, chromedp.WithPollingTimeout(10*time.Second)))
}

// TestBrowserAcceptsEveryPage loads every page in the width of a phone, in both
// schemes: nothing is blocked, nothing throws, nothing is wider than the screen.
func TestBrowserAcceptsEveryPage(t *testing.T) {
	b, p := newBrowser(t)
	b.mux.HandleFunc("/address/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, scheme := range []string{"light", "dark"} {
		b.do(t, emulation.SetDeviceMetricsOverride(340, 640, 1, true), emulation.SetEmulatedMedia().WithFeatures(
			[]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		for _, zero := range allViews() {
			f := &filler{text: strings.Repeat("long", 12), address: "/address/", yes: true}
			path := "/" + scheme + "/" + zero.template()
			b.show(p, path, f.view(zero))
			var width float64
			b.do(t, chromedp.Navigate(b.site.URL+path), chromedp.Evaluate(`document.documentElement.scrollWidth`, &width))
			if width > 340 {
				t.Errorf("%s is %.0f pixels wide", path, width)
			}
			b.mu.Lock()
			for _, text := range b.trouble {
				t.Errorf("%s: %s", path, text)
			}
			b.trouble = nil
			b.mu.Unlock()
		}
	}
}

// progress serves one stream of events per call, the last one for ever.
func progress(streams ...string) http.HandlerFunc {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("_xsrf") != "signed" {
			http.Error(w, "no _xsrf", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for line := range strings.Lines(streams[min(int(calls.Add(1)), len(streams))-1]) {
			fmt.Fprintf(w, "data: %s\n\n", line)
		}
	}
}

// TestBrowserFollowsProgress: the connection breaks once, events come again,
// one of them is hostile HTML, and the server becomes ready.
func TestBrowserFollowsProgress(t *testing.T) {
	b, p := newBrowser(t)
	first := `{"progress": 0, "message": "Server requested"}
{"progress": 40, "html_message": "Pulling <b>image</b><img src=x onerror='document.title=1'><script>document.title=1</script>"}
`
	b.mux.HandleFunc("/events", progress(first, first+`{"progress": 60, "message": "Started"}
{"progress": 100, "ready": true, "message": "Server ready", "url": "/user/ada/"}
`))
	b.mux.HandleFunc("/user/ada/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1 id=there>there</h1>") })
	b.show(p, "/pending", SpawnPending{ProgressURL: "/events", Events: []ProgressEvent{{0, "Server requested"}}})

	var log string
	b.do(t, chromedp.Navigate(b.site.URL+"/pending"))
	b.until(t, `document.getElementById('progress-connection').textContent !== ''`)
	b.do(t, chromedp.Evaluate(`[...document.getElementById('progress-log').children].map((e) => e.innerHTML).join('|')`, &log))
	if want := "Server requested|Pulling image"; log != want {
		t.Errorf("log %q, want %q", log, want)
	}
	b.do(t, chromedp.Evaluate(watchBar, nil), chromedp.WaitVisible("#there"))
	var moves []float64
	b.do(t, chromedp.Evaluate(`JSON.parse(sessionStorage.getItem('moves'))`, &moves))
	if want := []float64{60, 100}; !slices.Equal(moves, want) {
		t.Errorf("with the events sent again the bar goes to %v, want %v", moves, want)
	}
}

// watchBar notes where the bar goes.
const watchBar = `{
	const moves = [];
	new MutationObserver(() => {
		moves.push(document.getElementById('progress-bar').value);
		sessionStorage.setItem('moves', JSON.stringify(moves));
	}).observe(document.getElementById('progress-bar'), {attributes: true});
}`

func TestBrowserShowsFailure(t *testing.T) {
	b, p := newBrowser(t)
	b.mux.HandleFunc("/events", progress(`{"progress": 100, "failed": true, "message": "Spawn failed: no memory"}`+"\n"))
	b.show(p, "/pending", SpawnPending{ProgressURL: "/events", RetryURL: "/hub/spawn/ada", StopURL: "/stop"})
	b.do(t, chromedp.Navigate(b.site.URL+"/pending"), chromedp.WaitVisible("#retry"))
	b.until(t, `document.activeElement.id === 'retry' && !document.getElementById('stop')`)
	b.until(t, `document.getElementById('pending-lead').textContent === 'Spawn failed: no memory'`)
}

// TestBrowserDoesNotFollowScripts: a URL in an event is no more trusted than
// its text.
func TestBrowserDoesNotFollowScripts(t *testing.T) {
	b, p := newBrowser(t)
	loads := make(chan struct{}, 100)
	b.mux.HandleFunc("/events", progress(`{"ready": true, "message": "Ready", "url": "javascript:document.title='run'"}`+"\n"))
	b.mux.HandleFunc("/pending", func(w http.ResponseWriter, _ *http.Request) {
		loads <- struct{}{}
		if len(loads) > 1 {
			fmt.Fprint(w, "<h1 id=again>again</h1>")
			return
		}
		p.Render(w, 200, Visitor{XSRF: "signed"}, SpawnPending{ProgressURL: "/events"})
	})
	b.do(t, chromedp.Navigate(b.site.URL+"/pending"), chromedp.WaitVisible("#again"))
}

// TestBrowserStopsInPlace: the API is called with the token, and where it
// refuses, the form is posted.
func TestBrowserStopsInPlace(t *testing.T) {
	for name, status := range map[string]int{"api": 204, "refused": 403} {
		t.Run(name, func(t *testing.T) {
			b, p := newBrowser(t)
			calls := make(chan string, 10)
			b.mux.HandleFunc("DELETE /hub/api/users/ada/server", func(w http.ResponseWriter, r *http.Request) {
				calls <- "api " + r.Header.Get("X-XSRFToken")
				w.WriteHeader(status)
			})
			b.mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) {
				calls <- "form " + r.FormValue("_xsrf")
				http.Redirect(w, r, "/home?stopped", http.StatusSeeOther)
			})
			server := Server{State: Running, URL: "/user/ada/", StopURL: "/stop", APIURL: "/hub/api/users/ada/server"}
			b.mux.HandleFunc("GET /home", func(w http.ResponseWriter, _ *http.Request) {
				view := Home{Server: server}
				if len(calls) > 0 {
					view.Server.State = Stopped
					view.Server.StartURL = "/hub/spawn/ada"
				}
				p.Render(w, 200, Visitor{Name: "ada", XSRF: "signed"}, view)
			})
			b.do(t, chromedp.Navigate(b.site.URL+"/home"), chromedp.Click("#stop"), chromedp.WaitVisible(`#start[href="/hub/spawn/ada"]`))
			close(calls)
			var got []string
			for call := range calls {
				got = append(got, call)
			}
			want := []string{"api signed"}
			if status == 403 {
				want = append(want, "form signed")
			}
			if !slices.Equal(got, want) {
				t.Errorf("calls %q, want %q", got, want)
			}
		})
	}
}
