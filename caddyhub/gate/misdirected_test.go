package gate

import "testing"

// What was sent to another host is answered the same whoever sent it and whatever
// is there.
func TestMisdirected(t *testing.T) {
	const origin = "https://ada.hub.example.org"
	elsewhere := func(r Request) Request { r.Elsewhere = origin; return r }
	form := with(page, func(r *Request) { r.Method = "POST" })
	told := "This is not at this host but at " + origin + "."
	for name, test := range map[string]struct {
		request Request
		want    Decision
	}{
		"page":            {page, Decision{Verdict: Redirect, Status: 302, Location: origin + page.URI}},
		"HEAD":            {with(page, func(r *Request) { r.Method = "HEAD" }), Decision{Verdict: Redirect, Status: 302, Location: origin + page.URI}},
		"form":            {form, Decision{Status: 421, Message: told}},
		"fetch":           {fetch, Decision{Status: 421, Message: told, JSON: true}},
		"socket":          {socket, Decision{Status: 421, Message: told, JSON: true}},
		"ambiguous path":  {with(page, func(r *Request) { r.PathError = ErrPathDots }), Decision{Status: 400, Message: ErrPathDots.Error()}},
		"another upgrade": {with(page, func(r *Request) { r.Class.StrayUpgrade = true }), Decision{Status: 400, Message: "the request asks for a protocol other than WebSocket"}},
	} {
		for _, subject := range []Subject{anonymous, ada, token, {Identity: IdentityUnavailable}, {Ambiguous: true}} {
			for _, resource := range []Resource{running, {}, {State: StateStopped}, {State: StateReady, Open: true}} {
				if got := Decide(elsewhere(test.request), subject, resource, links); got != test.want {
					t.Errorf("%s, %+v, %+v: %+v", name, subject, resource, got)
				}
			}
		}
	}
	if code, closes := Decide(elsewhere(socket), ada, running, links).CloseCode(); !closes || code != 1008 {
		t.Errorf("an open socket: %d, %v", code, closes)
	}
}
