package edge

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// linkParameter is where a link has its token, as JupyterHub and Jupyter Server do.
const linkParameter = "token"

// followsLink answers what has to do with tokens in links, and says whether it did:
// a page that is asked for with a token, one that is asked for while the visitor
// has not said as whom they want to act, and the form in which they say so. If not,
// the request goes its way as if there were no token in its URL.
func (e *Edge) followsLink(w http.ResponseWriter, r *http.Request, v *visit) bool {
	if v.rules.TokenInURL != TokenInURLPersist || v.request.PathError != nil || v.subject.Ambiguous {
		return false
	}
	tokens := gate.QueryValues(r.URL.RawQuery, linkParameter)
	// No answer repeats the token.
	v.request.URI = withoutParameter(v.request.URI, linkParameter)
	switch {
	case e.choice(w, r, v):
		return true
	case len(tokens) == 0:
		return e.asks(w, r, v)
	case !v.grantable(), !opensPage(r, v):
		return false
	case len(tokens) > 1:
		v.subject.Ambiguous = true
		return false
	}
	return e.exchange(w, r, v, tokens[0])
}

// grantable says whether what is visited is a thing that one can have a grant for:
// a server or service that asks for credentials at all.
func (v *visit) grantable() bool {
	return v.resource.State != gate.StateAbsent && !v.resource.Open &&
		(v.client.Service != "" || !v.client.Server.IsZero())
}

// opensPage says whether a person has opened a page, in a window of its own: what
// is loaded ahead, shown in a preview or put into a frame of another page nobody
// has followed.
func opensPage(r *http.Request, v *visit) bool {
	if r.Method != http.MethodGet || v.request.Class.Kind != gate.KindNavigation {
		return false
	}
	if target := r.Header["Sec-Fetch-Dest"]; len(target) > 1 || len(target) == 1 && target[0] != "document" {
		return false
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header[http.CanonicalHeaderKey(name)] {
			if value = strings.ToLower(value); strings.Contains(value, "prefetch") || strings.Contains(value, "preview") || strings.Contains(value, "prerender") {
				return false
			}
		}
	}
	return true
}

// exchange makes a grant of a token that opens what is visited, and sends the
// browser to the same page without it.
func (e *Edge) exchange(w http.ResponseWriter, r *http.Request, v *visit, token string) bool {
	from, err := e.options.Directory.ByToken(r.Context(), token)
	if errors.Is(err, identity.ErrInvalid) {
		return false
	}
	access := gate.AccessUnavailable
	if err == nil {
		access = e.accessOf(r.Context(), from, v.client)
	} else {
		e.report(r.Context(), "token in a link not looked up", err)
	}
	if from != nil && from.Visitor != nil && from.Visitor.Client != v.client {
		return false
	}
	switch access {
	case gate.AccessGranted:
	case gate.AccessUnavailable:
		v.subject.Identity = gate.IdentityUnavailable
		return false
	default:
		return false
	}
	if err := e.give(w, r, v, from); err != nil {
		return false
	}
	toCleanPage(w, v)
	return true
}

// give puts a grant into the browser, unless who is logged in is its owner and
// needs none.
func (e *Edge) give(w http.ResponseWriter, r *http.Request, v *visit, from *identity.Identity) error {
	login, err := e.options.Browser.BySession(r.Context(), v.Visit)
	if err != nil {
		v.subject.Identity = gate.IdentityUnavailable
		e.report(r.Context(), "login beside a link not looked up", err)
		return err
	}
	var beside *identity.Session
	if login.Identity != nil && login.Identity.Session != nil {
		if login.Identity.Owner == from.Owner && e.accessOf(r.Context(), login.Identity, v.client) == gate.AccessGranted {
			return nil
		}
		beside = login.Identity.Session
	}
	grant, err := e.options.Directory.NewGrant(from, v.client, beside)
	if err != nil {
		return err
	}
	e.options.Browser.SetGrant(w, r, grant, e.prefix(v))
	e.options.Observer.granted(r, Granted{By: login.Identity, Grant: grant, Identity: from})
	return nil
}

// toCleanPage sends the browser to the page that was asked for, without what was in
// its URL for the edge. What follows "#" the browser keeps by itself.
func toCleanPage(w http.ResponseWriter, v *visit) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Add("Vary", "Cookie, Authorization")
	header.Set("Location", v.request.URI)
	w.WriteHeader(http.StatusSeeOther)
}

func withoutParameter(uri, name string) string {
	path, query, found := strings.Cut(uri, "?")
	if !found {
		return uri
	}
	if query = gate.WithoutParameter(query, name); query == "" {
		return path
	}
	return path + "?" + query
}
