// Package oauth2 logs people in by OAuth 2.0 at sites that tell who somebody is by
// an API of their own: GitHub, GitLab, Bitbucket, and others by their addresses.
//
// What it guarantees:
//
//   - The code flow of package codeflow, with state and PKCE; who it is, the API says
//     to the token that the code was worth, over an encrypted line.
//   - Membership counts only where the site confirms it: an organization that cannot
//     be asked about lets nobody in, and trouble is authenticator.ErrUnavailable.
//   - Lists that come in pages are read to their end, or not at all: nobody loses a
//     group because it is on a later page. Pages of another host are not asked for.
//   - A refresh asks anew who it is and what he is a member of, and loses no refresh
//     token. An account that was renamed or replaced meanwhile logs in again.
package oauth2

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// Options of an Authenticator. ClientID and ClientSecret are required, and either a
// Provider or the three addresses.
type Options struct {
	// Provider is one of Providers; empty is any site, by its addresses.
	Provider string
	// BaseURL is that of a site of one's own; empty is the public one of the provider.
	BaseURL string
	// APIURL is where its API is, if it cannot be told from BaseURL.
	APIURL string
	// AuthorizeURL, TokenURL and UserURL replace those of the provider: where people
	// log in, where codes are redeemed, where a token says whose it is.
	AuthorizeURL, TokenURL, UserURL string

	ClientID     string
	ClientSecret string
	// TokenAuth is how the secret is sent; empty is Post.
	TokenAuth codeflow.TokenAuth
	// Scopes to ask for; nil means what the other options need.
	Scopes []string
	// Parameters are added to the authorization request.
	Parameters map[string]string
	// WithoutPKCE is for servers that refuse parameters they do not know.
	WithoutPKCE bool

	// Claims says how the answer of UserURL becomes an identity. An empty user name
	// is the provider's own name of it.
	Claims claims.Mapping
	// Teams makes groups of what the user is a member of at the provider.
	Teams bool
	// Organizations are those whose members may log in: "ORG" or "ORG:TEAM" with
	// GitHub, a group or sub-group with GitLab, a workspace with Bitbucket. Empty
	// means anybody.
	Organizations []string

	// Service is the name on the login page; empty is the provider's.
	Service string
	// AutoLogin leaves the login page out.
	AutoLogin bool
	// LogoutRedirectURL is where the browser goes after the hub's logout; empty is
	// the login page.
	LogoutRedirectURL string
	// HTTP asks the site; nil means codeflow.NewHTTP.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears of logins that ended. Nil discards.
	Log *slog.Logger
}

// Authenticator implements authenticator.Authenticator, Redirector, Refresher,
// LogoutRedirector, Prompter, AutoLoginer and Warner. Its methods may be called from
// any goroutine.
type Authenticator struct {
	options Options
	site    site
	client  codeflow.Client
	log     *slog.Logger
}

// New checks the options. It asks the site nothing.
func New(o Options) (*Authenticator, error) {
	a, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("oauth2: %w", err)
	}
	return a, nil
}

func build(o Options) (*Authenticator, error) {
	s, o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := o.check(s); err != nil {
		return nil, err
	}
	o.Claims, err = o.Claims.Checked()
	if err != nil {
		return nil, err
	}
	if o.HTTP == nil {
		o.HTTP = codeflow.NewHTTP()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Scopes == nil {
		o.Scopes = s.scopes(o)
	}
	return &Authenticator{options: o, site: s, log: o.Log, client: codeflow.Client{
		ID: o.ClientID, Secret: o.ClientSecret, AuthorizeURL: o.AuthorizeURL, TokenURL: o.TokenURL,
		Scopes: o.Scopes, TokenAuth: cmp.Or(o.TokenAuth, codeflow.Post), WithoutPKCE: o.WithoutPKCE, HTTP: o.HTTP,
	}}, nil
}

func (o Options) check(s site) error {
	for _, address := range []struct{ name, value string }{
		{"authorize_url", o.AuthorizeURL}, {"token_url", o.TokenURL}, {"userdata_url", o.UserURL},
	} {
		parsed, err := url.Parse(address.value)
		if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Scheme != "https" && parsed.Scheme != "http" {
			return fmt.Errorf("%s %q is no URL; give a provider, or authorize_url, token_url and userdata_url", address.name, address.value)
		}
	}
	switch {
	case o.ClientID == "" || o.ClientSecret == "":
		return errors.New("client_id or client_secret is empty")
	case o.TokenAuth != "" && o.TokenAuth != codeflow.Basic && o.TokenAuth != codeflow.Post:
		return errors.New("token_auth is neither \"basic\" nor \"post\"")
	}
	for _, name := range o.Organizations {
		if err := s.checkOrganization(name); err != nil {
			return err
		}
	}
	return codeflow.CheckParameters(o.Parameters)
}

// Prompt is a button.
func (a *Authenticator) Prompt() authenticator.Prompt {
	user, _ := url.Parse(a.options.AuthorizeURL) // New has checked it
	return authenticator.Prompt{Service: cmp.Or(a.options.Service, a.site.title(), user.Host)}
}

// AutoLogin implements authenticator.AutoLoginer.
func (a *Authenticator) AutoLogin() bool { return a.options.AutoLogin }

// Warnings tells what lets in more people than was meant.
func (a *Authenticator) Warnings(rules authenticator.Rules) []string {
	o := a.options
	var warnings []string
	public := o.Provider != "" && o.BaseURL == ""
	if public && rules.AllowAll && len(o.Organizations) == 0 && len(o.Claims.Domains) == 0 && len(o.Claims.Required) == 0 {
		warnings = append(warnings, "Everybody with an account at "+a.site.title()+" can log in, and accounts there are free. Name allowed_organizations, or allow users by name.")
	}
	addresses := []string{o.AuthorizeURL, o.TokenURL, o.UserURL}
	if slices.ContainsFunc(addresses, unencrypted) {
		warnings = append(warnings, "The site is reached without encryption: whoever is in between can log in as anybody.")
	}
	return warnings
}

// Interface guards
var (
	_ authenticator.Redirector       = (*Authenticator)(nil)
	_ authenticator.Refresher        = (*Authenticator)(nil)
	_ authenticator.LogoutRedirector = (*Authenticator)(nil)
	_ authenticator.Prompter         = (*Authenticator)(nil)
	_ authenticator.AutoLoginer      = (*Authenticator)(nil)
	_ authenticator.Warner           = (*Authenticator)(nil)
)
