// Package page is the look of the hub: the templates, the stylesheet, the
// small scripts, and the view models that fill them. It decides nothing; the
// handlers in package web say what a page shows and where its forms go.
//
// What it guarantees:
//
//   - Every page but Admin is complete without JavaScript. What a page can do, it
//     does with links and form posts; scripts only save a reload or a wait.
//   - No page asks another host for anything, and none contains an inline
//     script or style, so a strict Content-Security-Policy holds (see
//     Pages.Render).
//   - Everything in a view model is text and is escaped for its place; an
//     address with a scheme other than http, https or mailto is not linked.
//     The exceptions have the type template.HTML and come from the operator.
//   - A page is sent whole or not at all: a failing template gives a plain 500,
//     never half a page.
//   - The element ids that JupyterHub's pages have, and that other people's
//     browser tests and style sheets rely on, are the same here (JupyterHub
//     5.5.1: #start, #stop, #spawn_form, #progress-bar, #token-result, …).
//
// Operators change the look with a folder of their own (Options.Override), with
// a logo, an announcement and variables.
package page

import (
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

// Options is what an operator can say about the look. The zero value is good.
type Options struct {
	// HubURL is the path of the hub, with a slash at both ends. Default: /hub/.
	HubURL string

	// Title is the name of the site, shown beside the logo and in the title of
	// each page. Default: Jupyter.
	Title string

	// Logo is an image (SVG, PNG, JPEG, GIF or WebP), served at HubURL + "logo".
	// Default: our own.
	Logo []byte

	// LogoURL is where a click on the logo leads. Default: HubURL + "home".
	LogoURL string

	// Announcement is shown at the top of every page. It is HTML and trusted.
	// Default: none.
	Announcement template.HTML

	// Announcements replaces Announcement on single pages. Keys are the names
	// of templates, such as "login", "home" or "spawn"; an empty value hides
	// the announcement there.
	Announcements map[string]template.HTML

	// Vars are the operator's own variables, in templates as .Vars.
	Vars map[string]any

	// Override holds files that take the place of ours: "templates/NAME.html"
	// and "static/NAME"; "static/theme.css" has the colours. A file "templates/custom.html" may redefine single
	// blocks of all pages, such as "footer" or "head". Nil: none. All files are
	// read once, by New.
	Override fs.FS

	// FormAction lists origins, besides the hub's own, to which a form may lead
	// by redirect, as sources of Content-Security-Policy: for example
	// "https://*.hub.example.org" when users have subdomains, or the origin of
	// a service that logs in with the hub. Browsers apply the form-action of
	// the page that holds a form to all redirects which follow, so a login that
	// ends at such a service is blocked without this.
	FormAction []string

	// Log takes errors of templates. Nil: slog.Default().
	Log *slog.Logger
}

// Pages renders pages and serves the files that they need. It is safe for
// concurrent use.
type Pages struct {
	options   Options
	log       *slog.Logger
	templates map[string]*template.Template
	assets    *assets
	logo      *asset
}

// New reads and parses everything. An error names the operator's file that
// does not parse.
func New(options Options) (*Pages, error) {
	if options.HubURL == "" {
		options.HubURL = "/hub/"
	}
	if !strings.HasPrefix(options.HubURL, "/") || !strings.HasSuffix(options.HubURL, "/") {
		return nil, fmt.Errorf("page: hub URL %q must be a path that begins and ends with a slash", options.HubURL)
	}
	if options.Title == "" {
		options.Title = "Jupyter"
	}
	if options.LogoURL == "" {
		options.LogoURL = options.HubURL + "home"
	}
	for _, source := range options.FormAction {
		if !validSource(source) {
			return nil, fmt.Errorf("page: %q is not a source for form-action", source)
		}
	}

	p := &Pages{options: options, log: options.Log}
	if p.log == nil {
		p.log = slog.Default()
	}
	var err error
	if p.assets, err = readAssets(options.Override); err != nil {
		return nil, err
	}
	if p.logo, err = p.readLogo(); err != nil {
		return nil, err
	}
	if p.templates, err = p.parseTemplates(); err != nil {
		return nil, err
	}
	return p, nil
}

// StaticURL is the address of a static file, such as "hub.css", with a part
// that changes when any static file does. It may be cached for ever.
func (p *Pages) StaticURL(name string) string {
	return p.options.HubURL + "static/" + p.assets.version + "/" + name
}

// Static serves the static files. Mount it at HubURL + "static/" with the whole
// path left in the request.
func (p *Pages) Static() http.Handler {
	return http.HandlerFunc(p.serveStatic)
}

// Logo serves the logo. Mount it at HubURL + "logo".
func (p *Pages) Logo() http.Handler {
	return http.HandlerFunc(p.serveLogo)
}
