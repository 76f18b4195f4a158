package gate

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What an open page is answered whose login is over, by what it asks for.
func TestEnded(t *testing.T) {
	links := Links{Hub: "/hub/"}
	for name, test := range map[string]struct {
		method, uri string
		kind        Kind
		ended       bool
		status      int
		told        bool
	}{
		"a save":                    {"PUT", "/user/ada/api/contents/a.ipynb", KindAPI, true, 401, true},
		"a kernel":                  {"GET", "/user/ada/api/kernels/7?1795", KindAPI, true, 503, true},
		"a kernel, by HEAD":         {"HEAD", "/user/ada/lab/api/kernels/7", KindAPI, true, 503, true},
		"the end of a kernel":       {"DELETE", "/user/ada/api/kernels/7", KindAPI, true, 401, true},
		"all kernels":               {"GET", "/user/ada/api/kernels", KindAPI, true, 401, true},
		"all kernels, with a slash": {"GET", "/user/ada/api/kernels/", KindAPI, true, 401, true},
		"below a kernel":            {"POST", "/user/ada/api/kernels/7/interrupt", KindAPI, true, 401, true},
		"a name in the query":       {"GET", "/user/ada/files?x=/api/kernels/7", KindAPI, true, 401, true},
		"its WebSocket":             {"GET", "/user/ada/api/kernels/7/channels", KindWebSocket, true, 401, true},
		"a page":                    {"GET", "/user/ada/lab", KindNavigation, true, 302, false},
		"a kernel, by a stranger":   {"GET", "/user/ada/api/kernels/7", KindAPI, false, 401, false},
	} {
		t.Run(name, func(t *testing.T) {
			request := Request{Class: Class{Kind: test.kind}, Method: test.method, URI: test.uri}
			d := Decide(request, Subject{Ended: test.ended}, Resource{State: StateReady}, links)
			if d.Status != test.status || d.Allowed() {
				t.Errorf("%+v", d)
			}
			if told := strings.Contains(d.Message, "Log in again"); told != test.told {
				t.Errorf("message %q", d.Message)
			}
			if test.status != http.StatusFound && d.LoginURL != "/hub/login" {
				t.Errorf("login URL %q", d.LoginURL)
			}
			if (test.status == http.StatusServiceUnavailable) != (d.RetryAfter > 0) {
				t.Errorf("try again after %s", d.RetryAfter)
			}
		})
	}
}

// A login that could not be confirmed for too long is no refusal of anybody, but
// open WebSockets end, other than with trouble of the store.
func TestUnconfirmed(t *testing.T) {
	for _, kind := range []Kind{KindAPI, KindNavigation, KindWebSocket} {
		d := Decide(Request{Class: Class{Kind: kind}, Method: "GET", URI: "/user/ada/lab"},
			Subject{Identity: IdentityUnconfirmed, Access: AccessGranted}, Resource{State: StateReady}, Links{RetryAfter: time.Minute})
		code, closes := d.CloseCode()
		if d.Status != http.StatusServiceUnavailable || d.RetryAfter != time.Minute || !closes || code != CloseTryAgain {
			t.Errorf("%v: %+v, closed with %d", kind, d, code)
		}
	}
	if code, closes := Decide(Request{}, Subject{Identity: IdentityUnavailable}, Resource{}, Links{}).CloseCode(); closes {
		t.Errorf("while the store is away, WebSockets are closed with %d", code)
	}
}
