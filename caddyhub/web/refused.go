package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Refused shows a person why the gate does not let a request pass, with the
// decision's status: for edge.Options. The visit may be anonymous.
func (s *Web) Refused(w http.ResponseWriter, r *http.Request, visit browser.Visit, decision gate.Decision) {
	header := w.Header()
	s.setHeaders(header)
	if decision.JSON || decision.Verdict == gate.Redirect || decision.Verdict == gate.Allow {
		decision.Write(w, nil)
		return
	}
	header.Add("Vary", "Cookie, Authorization")
	setRetryAfter(header, decision.RetryAfter)
	c := &call{Web: s, w: w, r: r, visit: visit}
	var view page.View = page.Error{Status: decision.Status, Message: decision.Message}
	if decision.Verdict == gate.Stopped {
		view = c.notRunning(decision)
	}
	// The page stands at an address below a server's, and has no forms.
	visitor := page.Visitor{}
	if visit.Identity != nil {
		visitor.Name = visit.Identity.Name()
	}
	s.options.Pages.Render(w, decision.Status, visitor, view)
}

// notRunning is the page about the server that a decision would have started.
func (c *call) notRunning(decision gate.Decision) page.NotRunning {
	user, name := c.serverOf(decision.SpawnURL)
	view := page.NotRunning{ServerName: name}
	if c.visit.Identity == nil {
		view.ForUser = user
		return view
	}
	if user != c.visit.Identity.Name() {
		view.ForUser = user
	}
	access, err := c.access("servers", scope.OnServer(user, name))
	if err != nil {
		c.log.WarnContext(c.r.Context(), "no start offered", "error", err)
	}
	if access == scope.Granted {
		view.StartURL = decision.SpawnURL
	}
	return view
}

// serverOf reads the server out of the address that starts it.
func (c *call) serverOf(spawnURL string) (user, name string) {
	_, path, _ := strings.Cut(spawnURL, c.hub+"spawn/") // an origin may stand before it
	path, _, _ = strings.Cut(path, "?")
	user, name, _ = strings.Cut(path, "/")
	return unescape(user), unescape(name)
}

// unescape decodes a segment that was escaped here.
func unescape(segment string) string {
	plain, err := url.PathUnescape(segment)
	if err != nil {
		return ""
	}
	return plain
}
