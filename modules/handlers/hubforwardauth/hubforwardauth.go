// Package hubforwardauth is the module http.handlers.hub_forward_auth: other proxies
// ask the gate before they let a request pass to an app.
package hubforwardauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/handlers/hubauth"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_forward_auth", parseCaddyfile)
}

// Handler answers other proxies that ask whether to let a request pass, with the
// verdict that hub_auth would give. Only those are answered that Caddy trusts
// (trusted_proxies): what they say about a request is believed.
//
//	{base_url}hub/forward-auth/NAME   for proxies that pass on what is answered:
//	                                  Traefik, Envoy, Caddy
//	{base_url}hub/auth-request/NAME   for proxies that know 200, 401 and 403: nginx,
//	                                  HAProxy
//
// The request is described by X-Forwarded-Method, -Host and -Uri or by
// X-Original-Method and X-Original-URL; or it follows the address, as Envoy does it.
// A 200 has all headers that say who visits; those that say nothing are empty. A
// client that reaches this address through a trusted proxy learns from them nothing
// but who it is itself. A jwt therefore needs an audience here: a client might name
// the host of another app, and be given a token for that.
type Handler struct {
	hubauth.App

	// Name of the app in the address.
	Name string `json:"name"`
	// Hosts at which people use the app, if that is another than the hub's:
	// "grafana.example.org", with the port unless it is the usual one. Default: none.
	Hosts []string `json:"hosts,omitempty"`

	app *app.App
}

// remoteUser and remoteGroups tell who visits if nothing else is configured.
var defaultHeaders = []*hubauth.IdentityHeader{
	{Name: "Remote-User", Value: "{http.auth.user.id}"},
	{Name: "Remote-Groups", Value: "{http.auth.user.groups}"},
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_forward_auth", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub and checks the configuration.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	if h.app, err = app.Of(ctx, "hub_forward_auth"); err != nil {
		return err
	}
	if err := checkName(h.Name); err != nil {
		return fmt.Errorf("hub_forward_auth: %w", err)
	}
	if err := h.checkAudience(); err != nil {
		return err
	}
	if h.IdentityHeaders == nil && h.JWT == nil {
		h.IdentityHeaders = defaultHeaders
	}
	return h.App.Provision(h.app, "hub_forward_auth")
}

// AppHosts implements app.Guard.
func (h *Handler) AppHosts() (hosts []string, guards bool) { return h.Hosts, true }

var errAudience = errors.New("hub_forward_auth: jwt needs an audience: which host a question is about is no more than what a header says")

func (h *Handler) checkAudience() error {
	if h.JWT != nil && h.JWT.Audience == "" {
		return errAudience
	}
	return nil
}

// checkName says what is wrong with the name of an app.
func checkName(name string) error {
	if name == "" || hubpath.Quote(name) != name || strings.HasPrefix(name, ".") {
		return fmt.Errorf("the name of an app has letters, digits and -._~ and does not begin with a dot, unlike %q", name)
	}
	return nil
}

// ServeHTTP answers questions about its app and passes on the rest.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	style, rest, asks := h.question(r)
	if !asks {
		return next.ServeHTTP(w, r)
	}
	return h.app.Guard(w, r, func(w http.ResponseWriter, r *http.Request) error { return h.answer(w, r, style, rest) })
}

// question reads the address of a request.
func (h *Handler) question(r *http.Request) (style appgate.Style, rest string, asks bool) {
	for _, way := range []struct {
		style appgate.Style
		path  string
	}{{appgate.StyleAnswer, "forward-auth/"}, {appgate.StyleStatus, "auth-request/"}} {
		rest, found := strings.CutPrefix(r.RequestURI, h.app.Base().Hub(way.path)+h.Name)
		switch {
		case !found:
		case rest == "" || rest[0] == '?':
			return way.style, "", true
		case rest[0] == '/':
			return way.style, rest, true
		}
	}
	return 0, "", false
}

var errUntrusted = errors.New("hub_forward_auth: who asks is not among trusted_proxies, so that what it says about a request cannot be believed")

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, style appgate.Style, rest string) error {
	w.Header().Set("Cache-Control", "no-store")
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); !trusted {
		return caddyhttp.Error(http.StatusForbidden, errUntrusted)
	}
	site := h.app.Await(r.Context())
	if site == nil {
		hub.Unavailable(w)
		return nil
	}
	gate, err := h.For(site)
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	asked, err := appgate.Asked(app.Prepare(r), rest)
	if err != nil {
		return caddyhttp.Error(http.StatusBadRequest, err)
	}
	gate.Ask(w, asked, style, func(header http.Header, visitor appgate.Visitor) error {
		for _, name := range h.Names() {
			header.Set(name, "")
		}
		return h.Introduce(header, asked, visitor)
	})
	return nil
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_forward_auth [<matcher>] <name> {
//		hosts <host...>
//		scopes <scope...>
//		users <name...>
//		groups <name...>
//		allow authenticated|anonymous
//		identity_header <name> [<value>]
//		jwt {
//			header <name>
//			audience <text>
//			algorithm ES256|EdDSA
//			lifetime <duration>
//		}
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive
	args := d.RemainingArgs()
	if len(args) != 1 {
		return d.Errf("hub_forward_auth takes the name of an app, which ends the address at which other proxies ask")
	}
	h.Name = args[0]
	if err := checkName(h.Name); err != nil {
		return d.Errf("hub_forward_auth: %w", err)
	}
	known := h.Words()
	known["hosts"] = words.ToTexts(&h.Hosts)
	if err := words.Block(d, "hub_forward_auth", known); err != nil {
		return err
	}
	if err := h.checkAudience(); err != nil {
		return d.WrapErr(err)
	}
	return h.CheckPolicy(d)
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ app.Guard                   = (*Handler)(nil)
)
