package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// defaultRetryAfter is what a 503 tells when Links do not say.
const defaultRetryAfter = 5 * time.Second

// answer is the one place that knows how a refusal looks to whom.
type answer struct {
	request  Request
	resource Resource
	links    Links
}

// forPerson tells whether a page will be seen: what is loaded is a document and
// nothing was written.
func (a answer) forPerson() bool { return a.request.Class.Kind == KindNavigation }

func (a answer) reads() bool {
	return a.request.Method == http.MethodGet || a.request.Method == http.MethodHead
}

func (a answer) refuse(status int, message string) Decision {
	return Decision{Verdict: Refuse, Status: status, Message: message, JSON: !a.forPerson()}
}

// unavailable is trouble of ours.
func (a answer) unavailable() Decision {
	d := a.refuse(http.StatusServiceUnavailable, "The service is temporarily unavailable. Please try again.")
	if d.RetryAfter = a.links.RetryAfter; d.RetryAfter <= 0 {
		d.RetryAfter = defaultRetryAfter
	}
	return d
}

// unconfirmed is trouble of the site where people log in. It is no refusal of the
// login, but it has lasted too long.
func (a answer) unconfirmed() Decision {
	d := a.unavailable()
	d.Message = "Your login could not be confirmed, because the login service does not answer. Please try again."
	d.Unconfirmed = true
	return d
}

// login asks for credentials.
func (a answer) login() Decision {
	login := a.links.Hub + "login"
	switch {
	case !a.forPerson():
		d := a.refuse(http.StatusUnauthorized, "Missing or invalid credentials.")
		d.LoginURL = login
		return d
	case !a.reads():
		d := a.refuse(http.StatusForbidden, "Missing or invalid credentials.")
		d.LoginURL = login
		return d
	}
	return Decision{Verdict: Redirect, Status: http.StatusFound, Location: login + a.next()}
}

// crossSite refuses what a foreign page may have caused.
func (a answer) crossSite(subject Subject) (Decision, bool) {
	switch {
	case !subject.ByCookie:
		return Decision{}, false
	case a.request.Class.Kind == KindWebSocket:
		if subject.TokenOnly {
			return a.forbidden("A WebSocket must carry the token of its page."), true
		}
		if subject.SameOrigin {
			return Decision{}, false
		}
		return a.forbidden("A WebSocket opened by cookie must come from a page of this site."), true
	case subject.XSRF == XSRFPassed:
		return Decision{}, false
	case subject.XSRF == XSRFMismatch:
		return a.forbidden("XSRF cookie does not match " + a.request.Method + " argument"), true
	}
	return a.forbidden("'_xsrf' argument missing from " + a.request.Method), true
}

// denied refuses a known identity whose scopes give no access to such resources.
func (a answer) denied() Decision {
	message := "Action is not authorized with current scopes"
	if len(a.resource.Scopes) > 0 {
		message = fmt.Sprintf("%s; requires any of [%s]", message, strings.Join(a.resource.Scopes, ", "))
	}
	return a.forbidden(message)
}

// elsewhere refuses a known identity with access to other resources of the kind:
// as a single-user server does while it runs, else as the hub does, which does not
// tell what exists (sections 0.3 and 6.1).
func (a answer) elsewhere() Decision {
	if a.resource.State == StateReady {
		return a.denied()
	}
	return a.refuse(http.StatusNotFound, "No access to resources or resources not found")
}

func (a answer) forbidden(message string) Decision {
	d := a.refuse(http.StatusForbidden, message)
	d.LoginURL = a.links.Hub + "login"
	return d
}

// reached answers whoever may see the resource.
func (a answer) reached() Decision {
	switch a.resource.State {
	case StateReady:
		return Decision{Verdict: Allow}
	case StateStopped, StatePending:
		return a.stopped()
	case StateUnavailable:
		return a.unavailable()
	}
	return a.refuse(http.StatusNotFound, "Not Found")
}

// stopped answers for a server that is not running (section 6.1). Everything but
// a page gets JSON, WebSockets and writes too.
func (a answer) stopped() Decision {
	server := route.Escape(a.resource.Owner)
	if a.resource.ServerName != "" {
		server += "/" + route.Escape(a.resource.ServerName)
	}
	spawn := a.links.Hub + "spawn/" + server
	d := Decision{Verdict: Stopped, Status: http.StatusFailedDependency, SpawnURL: spawn + a.next()}
	if a.links.StoppedStatus != 0 {
		d.Status = a.links.StoppedStatus
	}
	if !a.forPerson() || !a.reads() || a.request.Class.PrefersJSON {
		path, _, _ := strings.Cut(a.request.URI, "?")
		d.JSON = true
		d.Message = fmt.Sprintf("JupyterHub server no longer running at %s. Restart the server at %s", path, spawn)
		return d
	}
	if a.resource.State == StatePending {
		pending := a.links.Hub + "spawn-pending/" + server
		return Decision{Verdict: Redirect, Status: http.StatusSeeOther, Location: pending + a.next()}
	}
	d.Message = "Your server is not running. Would you like to start it?"
	return d
}

// next is the query that brings a person back to where this request wanted to go.
func (a answer) next() string {
	return "?next=" + url.QueryEscape(a.links.Site+a.request.URI)
}
