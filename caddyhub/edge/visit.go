package edge

import (
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// visit is everything that was found out about one request.
type visit struct {
	browser.Visit
	path     gate.Path
	request  gate.Request
	subject  gate.Subject
	resource gate.Resource
	// route is where the request goes if it is allowed; nil if nowhere.
	route *route.Entry
	// client is what is visited, in the terms of scopes; zero if there is
	// nothing that one could have access to.
	client scope.Client
	rules  Rules
	// undecided is who a grant of this browser is, while who is logged in has not
	// said as whom they want to act; else nil.
	undecided *identity.Identity
}

func (v *visit) decide(links gate.Links) gate.Decision {
	if v.subject.Access != gate.AccessGranted {
		v.resource.Scopes = v.scopes()
	}
	decision := gate.Decide(v.request, v.subject, v.resource, links)
	absent := decision.Status == http.StatusNotFound && v.resource.State == gate.StateAbsent
	if absent && v.subject.Access == gate.AccessGranted && v.resource.Owner != "" {
		// Only who has access to any user's server is told (JupyterHub 6.1).
		decision.Message = "No such user " + v.resource.Owner
	}
	return decision
}

// scopes are those of which one would give access, for the text of a refusal.
func (v *visit) scopes() []string {
	switch {
	case v.client.Service != "":
		return []string{"access:services!service=" + v.client.Service}
	case !v.client.Server.IsZero():
		return []string{"access:servers!server=" + v.client.Server.String()}
	}
	return nil
}

// look finds out what the gate needs to know. Of what belongs to another host it
// finds out nothing but that.
func (e *Edge) look(r *http.Request, rules Rules) *visit {
	path, err := gate.Canonical(r, string(e.options.Base))
	if err == nil {
		if origin := e.elsewhere(r, path); origin != "" {
			return misdirected(r, path, origin)
		}
	}
	return e.lookAt(r, rules, path, err)
}

// lookAnywhere is look whatever the host of the request.
func (e *Edge) lookAnywhere(r *http.Request, rules Rules) *visit {
	path, err := gate.Canonical(r, string(e.options.Base))
	return e.lookAt(r, rules, path, err)
}

func (e *Edge) lookAt(r *http.Request, rules Rules, path gate.Path, pathError error) *visit {
	v := &visit{rules: rules, path: path}
	v.request = gate.Request{
		Class: gate.Classify(r, v.path), Method: r.Method, URI: asSent(r), PathError: pathError,
	}
	if pathError != nil {
		return v
	}
	if !v.path.InBase() {
		v.resource.Open = true
		return v
	}
	e.lookAtTarget(r.Context(), e.routedHost(r, v.path), v)
	if v.resource.Open {
		return v // the service finds out itself who is before it
	}
	e.lookAtSubject(r, v)
	return v
}

// asSent is path and query byte for byte as they came, without scheme and host.
func asSent(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// prefix is the path that belongs to what is visited: cookies and XSRF tokens
// are good for it and nothing else.
func (e *Edge) prefix(v *visit) string {
	switch {
	case v.route != nil:
		return v.route.Spec().Path()
	case v.client.Service != "":
		return e.options.Base.Service(v.client.Service)
	case !v.client.Server.IsZero():
		return e.options.Base.Server(v.client.Server.User, v.client.Server.Name)
	}
	return string(e.options.Base)
}
