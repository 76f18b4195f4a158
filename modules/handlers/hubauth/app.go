package hubauth

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// App says who may use an app, and how it is told who visits. Of scopes, users,
// groups and allow one at least is needed, and any one of them lets somebody in.
type App struct {
	// Scopes let in whoever holds one of them: "access:services!service=grafana".
	// Default: none.
	Scopes []string `json:"scopes,omitempty"`
	// Users are let in by their names. Default: none.
	Users []string `json:"users,omitempty"`
	// Groups let in their members. Default: none.
	Groups []string `json:"groups,omitempty"`
	// Allow is "authenticated" for everybody who is logged in, or "anonymous" for
	// everybody. Default: neither.
	Allow string `json:"allow,omitempty"`
	// IdentityHeaders tell the app who visits. Default: none; placeholders such as
	// {http.auth.user.id} are there for whatever follows.
	IdentityHeaders []*IdentityHeader `json:"identity_headers,omitempty"`
	// JWT tells it by a signed token. Default: it is told none.
	JWT *JWT `json:"jwt,omitempty"`

	policy appgate.Policy
	made   atomic.Pointer[made]
}

// IdentityHeader is a header of the request that the app gets. What a client sends
// under this name, in any spelling, is removed.
type IdentityHeader struct {
	// Name of the header.
	Name string `json:"name"`
	// Value may have placeholders; the header is left out if it comes to nothing.
	// Default: {http.auth.user.id}.
	Value string `json:"value,omitempty"`
}

// JWT is a signed JSON Web Token about the visitor. The keys are published at
// {base_url}hub/.well-known/jwks.json.
type JWT struct {
	// Header that it is in; in Authorization the word Bearer stands before it.
	// Default: X-JWT-Assertion.
	Header string `json:"header,omitempty"`
	// Audience of the token. Default: the origin of the site, such as
	// https://grafana.example.org; in hub_forward_auth none, it has to be given there.
	Audience string `json:"audience,omitempty"`
	// Algorithm is ES256 or EdDSA. Default: ES256.
	Algorithm string `json:"algorithm,omitempty"`
	// Lifetime is from 10s to 5m; half of it is left at least when the app gets a
	// token. Default: 5m.
	Lifetime words.Duration `json:"lifetime,omitempty"`
}

// made is what serves an app with a site of the hub.
type made struct {
	site   *hub.Site
	gate   *appgate.Gate
	tokens *identitytoken.Issuer
}

// values of Allow.
const (
	allowAuthenticated = "authenticated"
	allowAnonymous     = "anonymous"
)

// given says whether anything is configured.
func (a *App) given() bool {
	return len(a.Scopes)+len(a.Users)+len(a.Groups)+len(a.IdentityHeaders) > 0 || a.Allow != "" || a.JWT != nil
}

// asPolicy is what is configured, in the terms of the gate.
func (a *App) asPolicy() appgate.Policy {
	return appgate.Policy{
		Scopes: a.Scopes, Users: a.Users, Groups: a.Groups,
		Authenticated: a.Allow == allowAuthenticated, Anonymous: a.Allow == allowAnonymous,
	}
}

// Provision checks the configuration by that of the hub. What names the directive.
func (a *App) Provision(hub *app.App, what string) (err error) {
	if a.Allow != "" && a.Allow != allowAuthenticated && a.Allow != allowAnonymous {
		return fmt.Errorf("%s: allow takes %q or %q, not %q", what, allowAuthenticated, allowAnonymous, a.Allow)
	}
	if a.policy, err = hub.AppPolicy(a.asPolicy()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for i, header := range a.IdentityHeaders {
		if header == nil {
			return fmt.Errorf("%s: identity_header %d is null", what, i+1)
		}
		if err := checkHeader(header.Name); err != nil {
			return fmt.Errorf("%s: identity_header: %w", what, err)
		}
	}
	if a.JWT == nil {
		return nil
	}
	if err := checkHeader(a.JWT.header()); err != nil {
		return fmt.Errorf("%s: jwt: %w", what, err)
	}
	if err := identitytoken.Check(a.JWT.algorithm(), a.JWT.lifetime()); err != nil {
		return fmt.Errorf("%s: jwt: %w", what, err)
	}
	hub.SignBy(a.JWT.algorithm())
	return nil
}

func (j *JWT) header() string {
	if j.Header == "" {
		return "X-JWT-Assertion"
	}
	return j.Header
}

func (j *JWT) algorithm() identitytoken.Algorithm {
	if j.Algorithm == "" {
		return identitytoken.DefaultAlgorithm
	}
	return identitytoken.Algorithm(j.Algorithm)
}

func (j *JWT) lifetime() time.Duration {
	if j.Lifetime == 0 {
		return identitytoken.MaxLifetime
	}
	return time.Duration(j.Lifetime)
}

// For is what serves the app with a site of the hub. It is made once for each.
func (a *App) For(site *hub.Site) (*appgate.Gate, error) {
	found, err := a.of(site)
	if err != nil {
		return nil, err
	}
	return found.gate, nil
}

func (a *App) of(site *hub.Site) (*made, error) {
	if known := a.made.Load(); known != nil && known.site == site {
		return known, nil
	}
	var names []string
	for _, header := range a.IdentityHeaders {
		names = append(names, header.Name)
	}
	fresh := &made{site: site}
	var err error
	if a.JWT != nil {
		if name := a.JWT.header(); http.CanonicalHeaderKey(name) != "Authorization" {
			names = append(names, name)
		}
		if fresh.tokens, err = site.Issuer(a.JWT.algorithm(), a.JWT.lifetime()); err != nil {
			return nil, err
		}
	}
	if fresh.gate, err = site.Gate(hub.App{Policy: a.policy, IdentityHeaders: slices.Compact(names)}); err != nil {
		return nil, err
	}
	a.made.Store(fresh)
	return fresh, nil
}

// Introduce sets the headers by which an app is told who visits, on the way to it
// or in an answer to another proxy, and the placeholders. The request is the one
// that came to the gate; an error means that no token could be signed.
func (a *App) Introduce(h http.Header, r *http.Request, visitor appgate.Visitor) error {
	replacer, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if replacer == nil {
		replacer = caddy.NewReplacer()
	}
	setPlaceholders(replacer, visitor)
	for _, header := range a.IdentityHeaders {
		// What stands in for a placeholder is not looked into for others.
		if value := replacer.ReplaceAll(header.value(), ""); value != "" {
			h.Set(header.Name, value)
		}
	}
	known := a.made.Load()
	if known == nil || known.tokens == nil || !visitor.Known() {
		return nil
	}
	signed, err := visitor.Token(known.tokens, r, a.JWT.Audience)
	if err != nil {
		return err
	}
	if name := a.JWT.header(); http.CanonicalHeaderKey(name) == "Authorization" {
		signed = "Bearer " + signed
	}
	h.Set(a.JWT.header(), signed)
	return nil
}

// Names are the headers that Introduce may set.
func (a *App) Names() []string {
	var names []string
	for _, header := range a.IdentityHeaders {
		names = append(names, header.Name)
	}
	if a.JWT != nil {
		names = append(names, a.JWT.header())
	}
	return names
}

func (h *IdentityHeader) value() string {
	if h.Value == "" {
		return "{http.auth.user.id}"
	}
	return h.Value
}
