package gate

import "time"

// Identity is what became of the credentials of a request.
type Identity int

const (
	// IdentityNone: no credentials, or none that are valid. The zero Identity.
	IdentityNone Identity = iota
	// IdentityUnavailable: whether they are valid cannot be said now, for the
	// store or the external login is away.
	IdentityUnavailable
	// IdentityVerified: they are valid.
	IdentityVerified
	// IdentityUnconfirmed: they are, but the login elsewhere that they stand for
	// could not be confirmed for longer than the configuration allows.
	IdentityUnconfirmed
)

// Access is what the scopes of a verified identity say about a resource.
type Access int

const (
	// AccessNone: none of the scopes gives access to such resources. The zero Access.
	AccessNone Access = iota
	// AccessElsewhere: a scope does, but not to this one.
	AccessElsewhere
	// AccessGranted: a scope gives access to this one.
	AccessGranted
	// AccessUnavailable: cannot be said now.
	AccessUnavailable
)

// State is what stands behind a path.
type State int

const (
	// StateAbsent: nothing, and nothing can be started there. The zero State.
	StateAbsent State = iota
	// StateReady: an upstream that the route points to.
	StateReady
	// StateStopped: a server that is not running, or has never been started.
	StateStopped
	// StatePending: a server that is about to start, or failed to.
	StatePending
	// StateUnavailable: cannot be said now.
	StateUnavailable
)

// Request is what Decide needs to know about a request itself.
type Request struct {
	// Class from Classify.
	Class Class
	// Method as sent.
	Method string
	// URI is the canonical path with its query, as sent.
	URI string
	// PathError from Canonical; nil if the path is canonical.
	PathError error
	// Elsewhere is the origin that the path belongs to, "https://ada.example.org",
	// if the request was sent to another one. Empty: it is where it belongs.
	Elsewhere string
}

// Subject is what Decide needs to know about who sent it.
type Subject struct {
	Identity Identity
	// ByCookie: a cookie proved the identity, so that a foreign page may have
	// caused the request.
	ByCookie bool
	// Ambiguous from Credentials.
	Ambiguous bool
	// SameOrigin from Origins.Same.
	SameOrigin bool
	// TokenOnly: a cookie never speaks for a WebSocket, whatever its origin.
	TokenOnly bool
	// XSRF says whether a token is required and came.
	XSRF XSRF
	// Ended: a page of this very resource sent the request, and the login that the
	// page was opened by is over. It proves nothing about who sent it.
	Ended bool
	// Access to the resource.
	Access Access
	// Confined: pages of the resource may not act beyond it, see Confinement.
	Confined bool
}

// XSRF is what became of the XSRF token of a request.
type XSRF int

const (
	// XSRFMissing: a token is required and none came. The zero XSRF.
	XSRFMissing XSRF = iota
	// XSRFMismatch: a token is required, and none that came is valid.
	XSRFMismatch
	// XSRFPassed: none is required, or a valid one came.
	XSRFPassed
)

// Resource is what Decide needs to know about what the request asks for.
type Resource struct {
	State State
	// Open: the resource is for everybody, known or not ("allow anonymous").
	Open bool
	// Scopes of which one would give access, for the text of a refusal.
	Scopes []string
	// Owner and ServerName of a single-user server; Owner is empty for others.
	Owner, ServerName string
}

// Links are where Decide sends people, and a few choices of the site.
type Links struct {
	// Hub is the hub's prefix, a path ("/hub/") or a whole URL, with a slash at
	// the end.
	Hub string
	// Site is the origin to put before the URI in next, for a site on another host
	// than the hub. Empty: the URI alone.
	Site string
	// RetryAfter is told with every 503. Zero means five seconds.
	RetryAfter time.Duration
	// StoppedStatus is the status for a server that is not running. Zero means 424;
	// 503 is JupyterHub's use_legacy_stopped_server_status_code.
	StoppedStatus int
}

// Decide is the gate: everything that is known about a request in, the answer
// out. It refuses unless everything speaks for the request. The order matters:
// what cannot be known is 503 before anything is refused for it, and who must not
// see a resource learns nothing about its state.
func Decide(request Request, subject Subject, resource Resource, links Links) Decision {
	a := answer{request: request, resource: resource, links: links}
	switch {
	case request.PathError != nil:
		return a.refuse(400, request.PathError.Error())
	case request.Class.StrayUpgrade:
		return a.refuse(400, "the request asks for a protocol other than WebSocket")
	case request.Elsewhere != "":
		return a.misdirected()
	case subject.Ambiguous:
		return a.refuse(400, "the request carries more than one token")
	case subject.Identity == IdentityUnavailable:
		return a.unavailable()
	case subject.Identity == IdentityUnconfirmed:
		return a.unconfirmed()
	case subject.Identity != IdentityVerified:
		if resource.Open {
			return a.reached()
		}
		return a.loginFor(subject)
	}
	if refusal, refused := a.crossSite(subject); refused {
		return refusal
	}
	if resource.Open {
		return a.reached()
	}
	switch subject.Access {
	case AccessGranted:
		if subject.Confined && request.Class.ServiceWorker {
			// It would answer for pages, which then lack what confines them.
			return a.forbidden("A server of somebody else installs no service worker.")
		}
		return a.reached()
	case AccessUnavailable:
		return a.unavailable()
	case AccessElsewhere:
		return a.elsewhere()
	}
	return a.denied()
}
