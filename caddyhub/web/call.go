package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/httpstatus"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// maxForm bounds the body of a post, in bytes: four times what options of a
// server may take.
const maxForm = 256 << 10

// identifyTimeout bounds how long a page waits for the store to say who came.
const identifyTimeout = 5 * time.Second

// call is one request for a page.
type call struct {
	*Web
	w http.ResponseWriter
	r *http.Request
	// visit is who came, as far as the audience of the path asks.
	visit browser.Visit
	// names are the variables of the path.
	names map[string]string

	// written is what w writes to, route what was asked for; nil if unknown.
	written httpstatus.Recorder
	route   *route
	// caller is who came, whatever becomes of the visit.
	caller *identity.Identity
	// event is what the request has changed.
	event audit.Event
}

// answer does what every path has in common, and then what the route says.
func (c *call) answer(route *route) error {
	if route == nil {
		if err := c.identify(); err != nil {
			return err
		}
		return &failure{status: http.StatusNotFound}
	}
	handle := route.handler(c.r.Method)
	if handle == nil {
		return methodNotAllowed(route.methods())
	}
	if route.who == everybody {
		return handle(c)
	}
	if err := c.identify(); err != nil {
		return err
	}
	if route.who == members {
		if c.visit.Identity == nil {
			return c.demandLogin()
		}
		if c.visit.Identity.Limited() && !route.limited {
			return errLimited
		}
		if c.r.Method == http.MethodPost {
			if err := c.prove(); err != nil {
				return err
			}
		}
		c.equip()
	}
	return handle(c)
}

// identify finds out whose session it is. Tokens open no pages.
func (c *call) identify() (err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), identifyTimeout)
	defer cancel()
	credentials := gate.ReadCredentials(c.r, c.options.Browser.CredentialNames(c.r))
	c.visit, err = c.options.Browser.BySession(ctx, browser.Visit{Credentials: credentials, Request: c.r})
	c.caller = c.visit.Identity
	return err
}

// demandLogin answers whoever must log in first.
func (c *call) demandLogin() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return &failure{
			status: http.StatusForbidden, title: "You are not logged in", message: "Missing or invalid credentials.",
			hint: "Your session may have ended. Log in, then try again.",
		}
	}
	return c.redirect(c.hub+"login?next="+url.QueryEscape(c.r.URL.RequestURI()), http.StatusFound)
}

// errLimited is told to somebody whose session opens certain things only.
var errLimited = &failure{
	status: http.StatusForbidden, title: "This login does not open this page",
	message: "You were let in for certain things only, and this page is not one of them.",
	hint:    "Go back to where you came from. If you have an account on this hub, log in with it for everything else.",
}

// equip keeps the session of whoever is logged in alive, and complete.
func (c *call) equip() {
	session := c.visit.Identity.Session
	c.options.Browser.Renew(c.r.Context(), c.visit)
	c.options.Browser.SetBrowserSession(c.w, c.r, *session)
	c.options.Directory.Activity().Touch(identity.ActivityOfUser(session.User), c.now())
}

// parse reads the form.
func (c *call) parse() error {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxForm)
	// ParseMultipartForm alone forgets the error of a form of the other kind.
	err := c.r.ParseForm()
	if err == nil {
		err = c.r.ParseMultipartForm(maxForm)
	}
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return &failure{status: http.StatusRequestEntityTooLarge, message: "The form is too long."}
	case err != nil:
		return &failure{status: http.StatusBadRequest, message: "The form cannot be read."}
	}
	return nil
}

// prove reads the form and makes sure that a page of ours sent it.
func (c *call) prove() error {
	if err := c.parse(); err != nil {
		return err
	}
	err := c.options.Browser.CheckXSRF(c.r, c.visit, gate.AreaPage, c.hub)
	if err == nil {
		return nil
	}
	return &failure{
		status: http.StatusForbidden, title: "This form is too old", message: err.Error(),
		hint: "Load the page again that the form was on, and send it once more.",
	}
}

// permit demands a scope on a resource of the visitor (JupyterHub "Error format").
func (c *call) permit(name string, on scope.Resource) error {
	access, err := c.access(name, on)
	switch {
	case err != nil:
		return err
	case access == scope.Granted:
		return nil
	case access == scope.Elsewhere:
		return &failure{status: http.StatusNotFound, message: "No access to resources or resources not found"}
	}
	return &failure{
		status:  http.StatusForbidden,
		message: "Action is not authorized with current scopes; requires any of [" + name + "]",
	}
}

// access asks for a scope on a resource.
func (c *call) access(name string, on scope.Resource) (access scope.Access, err error) {
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		access, err = identity.Check(r, c.visit.Identity.Scopes, name, on)
		return err
	})
	return access, err
}

// redirect sends the browser somewhere. The target has been judged by whoever
// names it.
func (c *call) redirect(target string, status int) error {
	header := c.w.Header()
	header.Set("Location", target)
	header.Set("Cache-Control", "no-store")
	c.w.WriteHeader(status)
	return nil
}

// render writes a page.
func (c *call) render(status int, view page.View) error {
	c.options.Pages.Render(c.w, status, c.visitor(), view)
	return nil
}
