package page

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// View is one of the view models of this package: Login, Logout, Home,
// SpawnOptions, SpawnPending, StopPending, NotRunning, Token, Consent,
// AcceptShare, ActAs, SwitchUser, Admin or Error.
type View interface {
	// template is the name of the page's template.
	template() string
}

// document is what a template sees as its dot.
type document struct {
	Visitor

	// Page is the name of the template, View the view model.
	Page string
	View View

	// Site is the name of the site, and Announcement the one for this page.
	Site         string
	Announcement template.HTML

	// HubURL is the path of the hub, with a slash at both ends.
	HubURL, LogoURL string

	// Vars are the operator's variables.
	Vars map[string]any
}

// Render writes a page with its headers. Headers that are already set on w stay,
// except those that protect the page:
//
//   - Content-Security-Policy: nothing from other hosts, nothing inline, no
//     frames. The form-action is the hub's own origin, Options.FormAction, and
//     on a consent page the client that is to be redirected to, since browsers
//     apply it to the redirects after a post as well. Violations are reported
//     to {hub}security/csp-report, as in JupyterHub.
//   - Cache-Control: no-store.
//   - Referrer-Policy: the origin alone where the page's address may hold a
//     secret (login, consent, accept-share), the address within the same origin
//     elsewhere. Never no-referrer where there is a form: with it browsers send
//     "Origin: null" in a post, which no check of the origin can accept. On an
//     error page no-referrer stays if it is set.
//   - X-Content-Type-Options: nosniff.
//
// If the template fails, Render logs the error and writes a plain 500.
func (p *Pages) Render(w http.ResponseWriter, status int, visitor Visitor, view View) {
	if v, ok := view.(interface{ prepare() View }); ok {
		view = v.prepare()
	}
	body, err := p.execute(visitor, view)
	p.setHeaders(w.Header(), view)
	if err != nil {
		p.log.Error("page not rendered", "page", view.template(), "error", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("This page could not be shown. The log of the hub says why.\n"))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A visitor who has left is no trouble of ours.
	_, _ = w.Write(body)
}

func (p *Pages) execute(visitor Visitor, view View) ([]byte, error) {
	name := p.templateFor(view)
	if visitor.LoginURL == "" {
		visitor.LoginURL = p.options.HubURL + "login"
	}
	if visitor.LogoutURL == "" {
		visitor.LogoutURL = p.options.HubURL + "logout"
	}
	announcement, own := p.options.Announcements[name]
	if !own {
		announcement = p.options.Announcement
	}
	var buffer bytes.Buffer
	err := p.templates[name].ExecuteTemplate(&buffer, "layout", document{
		Visitor:      visitor,
		Page:         name,
		View:         view,
		Site:         p.options.Title,
		Announcement: announcement,
		HubURL:       p.options.HubURL,
		LogoURL:      p.options.LogoURL,
		Vars:         p.options.Vars,
	})
	return buffer.Bytes(), err
}

// templateFor is the template of the view. An operator may have a page of
// their own for one status, such as 404.html.
func (p *Pages) templateFor(view View) string {
	if failure, ok := view.(Error); ok {
		if name := strconv.Itoa(failure.Status); p.templates[name] != nil {
			return name
		}
	}
	return view.template()
}

func (p *Pages) setHeaders(header http.Header, view View) {
	targets := append([]string{"'self'"}, p.options.FormAction...)
	referrer := "same-origin"
	switch v := view.(type) {
	case Login, SwitchUser:
		referrer = "strict-origin"
	case Error:
		// The address may have a secret, and there is no form here.
		if header.Get("Referrer-Policy") == "no-referrer" {
			referrer = "no-referrer"
		}
	case Consent:
		referrer = "strict-origin"
		targets = append(targets, originOf(v.RedirectURI))
	case AcceptShare:
		referrer = "strict-origin"
		targets = append(targets, originOf(v.NextURL))
	}
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
		"font-src 'self'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
		"form-action " + strings.TrimSpace(strings.Join(targets, " ")),
		"report-uri " + p.options.HubURL + "security/csp-report",
	}, "; "))
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", referrer)
	header.Set("X-Content-Type-Options", "nosniff")
}

// sourcePattern is a source of Content-Security-Policy: an origin, perhaps with
// a wildcard, or a scheme. Nothing that could end the directive gets through.
var sourcePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:(//(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?)?$`)

func validSource(source string) bool { return sourcePattern.MatchString(source) }

// originOf is the source for form-action that allows a redirect to address:
// the origin of a web address, the scheme of an installed application's, and
// nothing for a path.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return ""
	}
	source := u.Scheme + ":"
	switch u.Scheme {
	case "javascript", "data", "blob", "vbscript":
		return ""
	case "http", "https":
		source += "//" + u.Host
	}
	if !validSource(source) || source == "http:" || source == "https:" {
		return ""
	}
	return source
}
