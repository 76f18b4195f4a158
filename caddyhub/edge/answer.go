package edge

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// checkTimeout bounds a look at a server that did not answer.
	checkTimeout = 30 * time.Second
	// checkPause is between two looks at the same server, and maxChecks is how
	// many servers are looked at at once: whoever asks for a dead server again
	// and again must not make the spawner do the same.
	checkPause = 5 * time.Second
	maxChecks  = 16
	// retryAfter is told to clients of a server that did not answer.
	retryAfter = 5 * time.Second
)

// Answer is Serve for a request that came to {hub}user/... instead: what is
// running is redirected to, everything else is answered.
func (e *Edge) Answer(w http.ResponseWriter, r *http.Request) {
	rest, found := strings.CutPrefix(r.URL.EscapedPath(), e.options.Base.Hub(""))
	target := string(e.options.Base) + rest
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil || !found {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL, inner.RequestURI = parsed, target
	v := e.lookAnywhere(inner, Rules{})
	decision := v.decide(e.links(r))
	if !decision.Allowed() {
		e.refuse(w, inner, v, decision)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, e.originOf(v.path)+target, http.StatusFound)
}

func (e *Edge) refuse(w http.ResponseWriter, r *http.Request, v *visit, decision gate.Decision) {
	gate.KeepApart(w.Header())
	if e.fetchesLogin(v, decision) {
		e.options.Handover.Begin(w, r)
		return
	}
	if decision.JSON || decision.Verdict == gate.Redirect || e.options.Refused == nil {
		decision.Write(w, nil)
		return
	}
	e.options.Refused(w, r, v.Visit, decision)
}

// upstreamGone answers for an upstream that should be there and is not, and has
// its server looked after, so that the next request gets a better answer.
func (e *Edge) upstreamGone(w http.ResponseWriter, r *http.Request, v *visit) {
	e.options.Observer.unreachable()
	message := "The service does not answer. Please try again in a moment."
	if server := v.client.Server; !server.IsZero() {
		message = "Your server appears to be down. Try restarting it from the hub."
		e.checks.start(store.Join(server.User, server.Name), func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkTimeout)
			defer cancel()
			if _, err := e.options.Servers.Check(ctx, server.User, server.Name); err != nil {
				e.log.Warn("server not looked after", "user", server.User, "server", server.Name, "error", err)
			}
		})
	}
	e.refuse(w, r, v, gate.Decision{
		Verdict: gate.Refuse, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Message: message, JSON: v.request.Class.Kind != gate.KindNavigation,
	})
}
