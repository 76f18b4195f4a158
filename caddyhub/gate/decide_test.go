package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	page   = Request{Class: Class{Kind: KindNavigation}, Method: "GET", URI: "/user/ada/lab?x=1&y"}
	fetch  = Request{Class: Class{Kind: KindAPI, PrefersJSON: true}, Method: "PUT", URI: "/user/ada/api/contents/a%2Fb?x=1"}
	socket = Request{Class: Class{Kind: KindWebSocket, PrefersJSON: true}, Method: "GET", URI: "/user/ada/api/kernels/1/channels"}

	anonymous = Subject{}
	ada       = Subject{Identity: IdentityVerified, ByCookie: true, SameOrigin: true, XSRF: XSRFPassed, Access: AccessGranted}
	token     = Subject{Identity: IdentityVerified, Access: AccessGranted}

	running = Resource{State: StateReady, Owner: "ada", Scopes: []string{"access:servers"}}
	links   = Links{Hub: "/hub/"}
)

func with[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestDecide(t *testing.T) {
	const unauthorized, noAccess = "Missing or invalid credentials.", "No access to resources or resources not found"
	const needs = "Action is not authorized with current scopes; requires any of [access:servers]"
	const next = "?next=%2Fuser%2Fada%2Flab%3Fx%3D1%26y"
	state := func(s State) Resource { return with(running, func(r *Resource) { r.State = s }) }
	named := with(state(StateStopped), func(r *Resource) { r.Owner, r.ServerName = "ada l/ö@x", "a b" })
	open := with(running, func(r *Resource) { r.Open = true })
	access := func(a Access) Subject { return with(ada, func(s *Subject) { s.Access = a }) }
	away := Subject{Identity: IdentityUnavailable}
	unavailable := Decision{Status: 503, Message: "The service is temporarily unavailable. Please try again.", RetryAfter: 5 * time.Second}
	unavailableJSON := with(unavailable, func(d *Decision) { d.JSON = true })
	for name, test := range map[string]struct {
		request  Request
		subject  Subject
		resource Resource
		want     Decision
	}{
		"page":                       {page, ada, running, Decision{Verdict: Allow}},
		"fetch":                      {fetch, ada, running, Decision{Verdict: Allow}},
		"socket":                     {socket, ada, running, Decision{Verdict: Allow}},
		"page by token":              {page, token, running, Decision{Verdict: Allow}},
		"fetch by token":             {fetch, token, running, Decision{Verdict: Allow}},
		"socket by token, no Origin": {socket, token, running, Decision{Verdict: Allow}},

		"page, path refused":  {with(page, func(r *Request) { r.PathError = ErrPathDots }), ada, running, Decision{Status: 400, Message: ErrPathDots.Error()}},
		"page, stray upgrade": {with(page, func(r *Request) { r.Class.StrayUpgrade = true }), ada, running, Decision{Status: 400, Message: "the request asks for a protocol other than WebSocket"}},
		"fetch, two tokens":   {fetch, with(token, func(s *Subject) { s.Ambiguous = true }), running, Decision{Status: 400, Message: "the request carries more than one token", JSON: true}},

		"page, nobody":          {page, anonymous, running, Decision{Verdict: Redirect, Status: 302, Location: "/hub/login" + next}},
		"page, nobody, stopped": {page, anonymous, state(StateStopped), Decision{Verdict: Redirect, Status: 302, Location: "/hub/login" + next}},
		"page, nobody, absent":  {page, anonymous, Resource{}, Decision{Verdict: Redirect, Status: 302, Location: "/hub/login" + next}},
		"form, nobody":          {with(page, func(r *Request) { r.Method = "POST" }), anonymous, running, Decision{Status: 403, Message: unauthorized, LoginURL: "/hub/login"}},
		"fetch, nobody":         {fetch, anonymous, running, Decision{Status: 401, Message: unauthorized, LoginURL: "/hub/login", JSON: true}},
		"socket, nobody":        {socket, anonymous, running, Decision{Status: 401, Message: unauthorized, LoginURL: "/hub/login", JSON: true}},
		"open, nobody":          {page, anonymous, open, Decision{Verdict: Allow}},
		"open, no access":       {page, access(AccessNone), open, Decision{Verdict: Allow}},

		"page, store away":             {page, away, running, unavailable},
		"fetch, store away":            {fetch, away, running, unavailableJSON},
		"socket, store away":           {socket, away, running, unavailableJSON},
		"open, store away":             {fetch, away, open, unavailableJSON},
		"fetch, scopes cannot be read": {fetch, access(AccessUnavailable), running, unavailableJSON},
		"fetch, routes cannot be read": {fetch, ada, state(StateUnavailable), unavailableJSON},

		"socket, foreign page":   {socket, with(ada, func(s *Subject) { s.SameOrigin = false }), running, Decision{Status: 403, Message: "A WebSocket opened by cookie must come from a page of this site.", LoginURL: "/hub/login", JSON: true}},
		"socket needs no _xsrf":  {socket, with(ada, func(s *Subject) { s.XSRF = XSRFMissing }), running, Decision{Verdict: Allow}},
		"fetch, no _xsrf":        {fetch, with(ada, func(s *Subject) { s.XSRF = XSRFMissing }), running, Decision{Status: 403, Message: "'_xsrf' argument missing from PUT", LoginURL: "/hub/login", JSON: true}},
		"fetch, another's _xsrf": {fetch, with(ada, func(s *Subject) { s.XSRF = XSRFMismatch }), running, Decision{Status: 403, Message: "XSRF cookie does not match PUT argument", LoginURL: "/hub/login", JSON: true}},
		"open, no _xsrf":         {fetch, with(ada, func(s *Subject) { s.XSRF = XSRFMissing }), open, Decision{Status: 403, Message: "'_xsrf' argument missing from PUT", LoginURL: "/hub/login", JSON: true}},
		"_xsrf before scopes":    {fetch, with(access(AccessNone), func(s *Subject) { s.XSRF = XSRFMissing }), running, Decision{Status: 403, Message: "'_xsrf' argument missing from PUT", LoginURL: "/hub/login", JSON: true}},

		"page, no such scopes":     {page, access(AccessNone), running, Decision{Status: 403, Message: needs, LoginURL: "/hub/login"}},
		"fetch, no such scopes":    {fetch, access(AccessNone), state(StateStopped), Decision{Status: 403, Message: needs, LoginURL: "/hub/login", JSON: true}},
		"socket, another's server": {socket, access(AccessElsewhere), running, Decision{Status: 403, Message: needs, LoginURL: "/hub/login", JSON: true}},
		"page, another's, stopped": {page, access(AccessElsewhere), state(StateStopped), Decision{Status: 404, Message: noAccess}},
		"page, another's, pending": {page, access(AccessElsewhere), state(StatePending), Decision{Status: 404, Message: noAccess}},
		"fetch, another's, absent": {fetch, access(AccessElsewhere), Resource{}, Decision{Status: 404, Message: noAccess, JSON: true}},
		"page, absent":             {page, ada, Resource{}, Decision{Status: 404, Message: "Not Found"}},

		"page, stopped":        {page, ada, state(StateStopped), Decision{Verdict: Stopped, Status: 424, Message: "Your server is not running. Would you like to start it?", SpawnURL: "/hub/spawn/ada" + next}},
		"page, pending":        {page, ada, state(StatePending), Decision{Verdict: Redirect, Status: 303, Location: "/hub/spawn-pending/ada" + next}},
		"page, stopped, named": {page, ada, named, Decision{Verdict: Stopped, Status: 424, Message: "Your server is not running. Would you like to start it?", SpawnURL: "/hub/spawn/ada%20l%2F%C3%B6@x/a%20b" + next}},
		"page below api, pending": {with(page, func(r *Request) { r.Class.PrefersJSON, r.URI = true, "/user/ada/api/x" }), ada, state(StatePending), Decision{Verdict: Stopped, Status: 424, JSON: true,
			Message: "JupyterHub server no longer running at /user/ada/api/x. Restart the server at /hub/spawn/ada", SpawnURL: "/hub/spawn/ada?next=%2Fuser%2Fada%2Fapi%2Fx"}},
		"fetch, stopped": {fetch, ada, state(StateStopped), Decision{Verdict: Stopped, Status: 424, JSON: true,
			Message: "JupyterHub server no longer running at /user/ada/api/contents/a%2Fb. Restart the server at /hub/spawn/ada", SpawnURL: "/hub/spawn/ada?next=%2Fuser%2Fada%2Fapi%2Fcontents%2Fa%252Fb%3Fx%3D1"}},
		"socket, pending": {socket, ada, state(StatePending), Decision{Verdict: Stopped, Status: 424, JSON: true,
			Message: "JupyterHub server no longer running at /user/ada/api/kernels/1/channels. Restart the server at /hub/spawn/ada", SpawnURL: "/hub/spawn/ada?next=%2Fuser%2Fada%2Fapi%2Fkernels%2F1%2Fchannels"}},
	} {
		got := Decide(test.request, test.subject, test.resource, links)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDecideLinks(t *testing.T) {
	elsewhere := Links{Hub: "https://hub.example.org/jupyter/hub/", Site: "https://grafana.example.org", RetryAfter: time.Minute, StoppedStatus: 503}
	got := Decide(page, anonymous, running, elsewhere)
	if want := "https://hub.example.org/jupyter/hub/login?next=https%3A%2F%2Fgrafana.example.org%2Fuser%2Fada%2Flab%3Fx%3D1%26y"; got.Location != want {
		t.Errorf("login: %s", got.Location)
	}
	if got := Decide(page, Subject{Identity: IdentityUnavailable}, running, elsewhere); got.RetryAfter != time.Minute {
		t.Errorf("retry after %v", got.RetryAfter)
	}
	stopped := Resource{State: StateStopped, Owner: "ada"}
	if got := Decide(fetch, ada, stopped, elsewhere); got.Status != 503 || got.Verdict != Stopped {
		t.Errorf("legacy status: %+v", got)
	}
}

// Only what everything speaks for is allowed, only people are redirected, and our
// own trouble is never blamed on the client.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(t, name) }
		request := Request{
			Class:  Class{Kind: Kind(pick("kind", 3)), PrefersJSON: pick("json", 2) == 1, StrayUpgrade: pick("stray", 8) == 0},
			Method: []string{"GET", "HEAD", "POST", "PUT", "DELETE"}[pick("method", 5)], URI: "/user/ada/lab",
		}
		if pick("path", 8) == 0 {
			request.PathError = ErrPathSlash
		}
		subject := Subject{
			Identity: Identity(pick("identity", 4)), ByCookie: pick("cookie", 2) == 1, SameOrigin: pick("origin", 2) == 1,
			XSRF: XSRF(pick("xsrf", 4)), Access: Access(pick("access", 5)), Ambiguous: pick("ambiguous", 8) == 0,
		}
		resource := Resource{State: State(pick("state", 6)), Open: pick("open", 4) == 0, Owner: "ada"}
		d := Decide(request, subject, resource, links)
		known := subject.Identity == IdentityVerified
		if d.Allowed() {
			proven := !subject.ByCookie || request.Class.Kind == KindWebSocket && subject.SameOrigin ||
				request.Class.Kind != KindWebSocket && subject.XSRF == XSRFPassed
			switch {
			case request.PathError != nil, request.Class.StrayUpgrade, subject.Ambiguous, resource.State != StateReady:
				t.Fatal("allowed a request that is wrong by itself")
			case !known && !resource.Open, known && !resource.Open && subject.Access != AccessGranted:
				t.Fatal("allowed without access")
			case known && !proven:
				t.Fatal("allowed what a foreign page may have sent")
			case subject.Identity == IdentityUnavailable:
				t.Fatal("allowed an identity that could not be checked")
			}
			return
		}
		if d.Verdict == Redirect && (request.Class.Kind != KindNavigation || request.Method != "GET" && request.Method != "HEAD") {
			t.Fatalf("redirected a %s of kind %d", request.Method, request.Class.Kind)
		}
		if d.Verdict != Redirect && request.Class.Kind != KindNavigation && !d.JSON {
			t.Fatal("a page for a program")
		}
		if subject.Identity == IdentityUnavailable && request.PathError == nil && !request.Class.StrayUpgrade && !subject.Ambiguous && d.Status != 503 {
			t.Fatalf("our trouble answered with %d", d.Status)
		}
		if d.Status < 300 {
			t.Fatalf("refused with %d", d.Status)
		}
	})
}

func TestDecisionWrite(t *testing.T) {
	html := func(w http.ResponseWriter, d Decision) { _, _ = w.Write([]byte("<p>" + d.Message)) }
	for name, test := range map[string]struct {
		d       Decision
		status  int
		body    string
		headers map[string]string
	}{
		"redirect": {Decision{Verdict: Redirect, Status: 302, Location: "/hub/login"}, 302, "", map[string]string{"Location": "/hub/login"}},
		"page":     {Decision{Status: 403, Message: "No."}, 403, "<p>No.", map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		"JSON": {Decision{Status: 401, Message: "No.", LoginURL: "/hub/login", JSON: true}, 401, `{"status":401,"message":"No.","login_url":"/hub/login"}`,
			map[string]string{"Content-Type": "application/json", "WWW-Authenticate": "Bearer"}},
		"JSON without login": {Decision{Status: 424, Message: "</script>", JSON: true}, 424, `{"status":424,"message":"\u003c/script\u003e"}`, nil},
		"retry":              {Decision{Status: 503, Message: "Wait.", JSON: true, RetryAfter: 1500 * time.Millisecond}, 503, `{"status":503,"message":"Wait."}`, map[string]string{"Retry-After": "2"}},
		"zero":               {Decision{}, 500, "<p>Internal Server Error", nil},
		"allowed by mistake": {Decision{Verdict: Allow}, 500, "<p>Internal Server Error", nil},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Origin")
		test.d.Write(w, html)
		if w.Code != test.status || w.Body.String() != test.body {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := w.Header().Values("Vary"); len(got) != 2 {
			t.Errorf("%s: Vary %q", name, got)
		}
		for key, want := range test.headers {
			if got := w.Header().Get(key); got != want {
				t.Errorf("%s: %s: %q", name, key, got)
			}
		}
	}
	w := httptest.NewRecorder()
	Decision{Status: 403, Message: "<No>"}.Write(w, nil)
	if w.Body.String() != "<No>\n" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("without pages: %q %v", w.Body, w.Header())
	}
}

func TestCloseCode(t *testing.T) {
	for want, decisions := range map[int][]Decision{
		0:    {{Verdict: Allow}, {Status: 503}},
		1001: {{Verdict: Stopped, Status: 424}, {Verdict: Stopped, Status: 503}},
		1008: {{}, {Status: 401}, {Status: 403}, {Status: 404}, {Verdict: Redirect, Status: 302}},
	} {
		for _, d := range decisions {
			if code, closes := d.CloseCode(); code != want || closes != (want != 0) {
				t.Errorf("%+v: %d %v", d, code, closes)
			}
		}
	}
}
