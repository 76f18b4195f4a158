package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// request is one that a tab made, and what became of it.
type request struct {
	method, url string
	kind        network.ResourceType
	status      int64 // 0 until there is an answer
	protocol    string
	failure     string
}

func (r request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s: %d %s %s", r.kind, r.method, r.url, r.status, r.protocol, r.failure))
}

func (r request) path() string {
	address, err := url.Parse(r.url)
	if err != nil {
		return r.url
	}
	return address.Path
}

// record is what the tabs of a visitor did and complained about.
type record struct {
	host string

	mu       sync.Mutex
	requests []*request
	open     map[network.RequestID]*request
	trouble  []string
}

func newRecord(hub *hubtest.Hub) *record {
	address, _ := url.Parse(hub.URL) // the harness made it
	return &record{host: address.Host, open: make(map[network.RequestID]*request)}
}

func (r *record) listen(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.RedirectResponse != nil {
			r.answered(e.RequestID, e.RedirectResponse)
		}
		r.begin(e.RequestID, request{method: e.Request.Method, url: e.Request.URL, kind: e.Type})
	case *network.EventWebSocketCreated:
		r.begin(e.RequestID, request{method: "GET", url: e.URL, kind: network.ResourceTypeWebSocket})
	case *network.EventResponseReceived:
		r.answered(e.RequestID, e.Response)
	case *network.EventWebSocketHandshakeResponseReceived:
		if known := r.open[e.RequestID]; known != nil {
			known.status = e.Response.Status
		}
	case *network.EventWebSocketFrameError:
		if known := r.open[e.RequestID]; known != nil {
			known.failure = e.ErrorMessage
			// A handshake that was refused has no other trace of the answer.
			if _, code, found := strings.Cut(e.ErrorMessage, "Unexpected response code: "); found {
				known.status, _ = strconv.ParseInt(code, 10, 64)
			} else if strings.HasPrefix(e.ErrorMessage, "HTTP Authentication failed") {
				known.status = http.StatusUnauthorized
			}
		}
	case *network.EventLoadingFailed:
		if known := r.open[e.RequestID]; known != nil {
			known.failure = strings.TrimSpace(e.ErrorText + " " + string(e.BlockedReason))
		}
	case *log.EventEntryAdded:
		// What the network failed at is in the requests.
		if e.Entry.Level == log.LevelError && e.Entry.Source != log.SourceNetwork {
			r.trouble = append(r.trouble, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		r.trouble = append(r.trouble, e.ExceptionDetails.Error())
	}
}

func (r *record) begin(id network.RequestID, begun request) {
	r.open[id] = &begun
	r.requests = append(r.requests, &begun)
}

func (r *record) answered(id network.RequestID, response *network.Response) {
	if known := r.open[id]; known != nil {
		known.status, known.protocol = response.Status, response.Protocol
	}
}

// all are the requests so far, in the order in which they began.
func (r *record) all() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]request, len(r.requests))
	for i, known := range r.requests {
		list[i] = *known
	}
	return list
}

// to are the requests so far whose path matches a pattern.
func (r *record) to(pattern string) []request {
	matches := regexp.MustCompile(pattern)
	return slices.DeleteFunc(r.all(), func(r request) bool { return !matches.MatchString(r.path()) })
}

func (r *record) tail(count int) string {
	var text strings.Builder
	list := r.all()
	for _, known := range list[max(0, len(list)-count):] {
		fmt.Fprintln(&text, known)
	}
	return text.String()
}

// expected is a refusal that belongs to a test: a status and a pattern that the
// path matches.
type expected struct {
	status int64
	path   string
}

// check fails the test for everything that went wrong and was not expected.
func (r *record) check(t testing.TB, others ...expected) {
	t.Helper()
	for _, known := range r.all() {
		if !r.ours(known.url) {
			t.Errorf("a request to another host: %v", known)
		}
		isExpected := slices.ContainsFunc(others, func(e expected) bool {
			return known.status == e.status && regexp.MustCompile(e.path).MatchString(known.path())
		})
		if known.status >= 400 && !isExpected {
			t.Errorf("refused: %v", known)
		}
		// A page that is left gives up what it was loading.
		if known.failure != "" && known.failure != "net::ERR_ABORTED" && !isExpected {
			t.Errorf("failed: %v", known)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range r.trouble {
		t.Errorf("the browser complains: %s", text)
	}
}

// ours tells whether a request stays within the hub or within the page.
func (r *record) ours(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil {
		return false
	}
	return parsed.Host == r.host || slices.Contains([]string{"data", "blob", "about"}, parsed.Scheme)
}
