package oauth2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// The names of the providers whose APIs are known.
const (
	GitHub    = "github"
	GitLab    = "gitlab"
	Bitbucket = "bitbucket"
)

// Providers are the sites that Options.Provider can name.
var Providers = []string{GitHub, GitLab, Bitbucket}

// site is what differs between the APIs. Its methods are given the answer of
// UserURL, and an api that speaks for that user.
type site interface {
	// title is the name that people know; empty if there is none.
	title() string
	// subject is the path of what never changes about an account; empty if nothing is
	// known to.
	subject() string
	// scopes are those that the options need.
	scopes(o Options) []string
	// checkOrganization says whether this can be the name of one.
	checkOrganization(name string) error
	// active says whether the account may be used.
	active(user claims.Claims) bool
	// address sets the claims "email" and "email_verified".
	address(ctx context.Context, from api, user claims.Claims) error
	// member says whether the user belongs to one of Options.Organizations.
	member(ctx context.Context, from api, user claims.Claims, organization string) (bool, error)
	// teams is all that the user belongs to.
	teams(ctx context.Context, from api) ([]string, error)
}

// teamsClaim is where what teams found is put for the mapping.
const teamsClaim = "caddyhub teams"

// complete fills in what the provider says about addresses and names.
func (o Options) complete() (site, Options, error) {
	var s site
	username := ""
	base := strings.TrimRight(o.BaseURL, "/")
	fill := func(home, api, authorize, token string) {
		if base == "" {
			base = home
		} else {
			api = strings.Replace(api, "HOME", base, 1)
		}
		o.APIURL = strings.TrimRight(cmp.Or(o.APIURL, api), "/")
		o.AuthorizeURL, o.TokenURL = cmp.Or(o.AuthorizeURL, base+authorize), cmp.Or(o.TokenURL, base+token)
		o.UserURL = cmp.Or(o.UserURL, o.APIURL+"/user")
	}
	switch o.Provider {
	case GitHub:
		s, username = gitHub{}, "login"
		api := "https://api.github.com"
		if base != "" {
			api = "HOME/api/v3"
		}
		fill("https://github.com", api, "/login/oauth/authorize", "/login/oauth/access_token")
	case GitLab:
		s, username = gitLab{}, "username"
		api := "https://gitlab.com/api/v4"
		if base != "" {
			api = "HOME/api/v4"
		}
		fill("https://gitlab.com", api, "/oauth/authorize", "/oauth/token")
	case Bitbucket:
		s, username = bitbucket{}, "username"
		fill("https://bitbucket.org", "https://api.bitbucket.org/2.0", "/site/oauth2/authorize", "/site/oauth2/access_token")
	case "":
		s = other{}
		if o.BaseURL != "" || o.APIURL != "" || o.Teams || len(o.Organizations) > 0 {
			return nil, o, errors.New("base_url, api_url, teams and allowed_organizations need a provider")
		}
	default:
		return nil, o, fmt.Errorf("there is no provider %q; there are: %s", o.Provider, strings.Join(Providers, ", "))
	}
	o.Claims.Username = cmp.Or(o.Claims.Username, username)
	if o.Teams {
		if o.Claims.Groups != "" {
			return nil, o, errors.New("groups_key and teams exclude each other")
		}
		o.Claims.Groups = teamsClaim
	}
	return s, o, nil
}

// wantsAddress says whether the e-mail address matters.
func (o Options) wantsAddress() bool {
	return o.Claims.Username == "email" || len(o.Claims.Domains) > 0
}

// wantsMembership says whether it matters what the user belongs to.
func (o Options) wantsMembership() bool { return o.Teams || len(o.Organizations) > 0 }

// unencrypted says whether others may read along on the way to an address.
func unencrypted(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme == "https" {
		return false
	}
	ip := net.ParseIP(parsed.Hostname())
	return parsed.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// other is a site of which only the addresses are known.
type other struct{}

func (other) title() string   { return "" }
func (other) subject() string { return "" }

func (other) scopes(Options) []string { return nil }

func (other) checkOrganization(string) error { return nil }

func (other) active(claims.Claims) bool { return true }

func (other) address(context.Context, api, claims.Claims) error { return nil }

func (other) member(context.Context, api, claims.Claims, string) (bool, error) { return false, nil }

func (other) teams(context.Context, api) ([]string, error) { return nil, nil }

// parts checks that a name has between one and most parts, none of which could be
// a step in a path.
func parts(name, separator string, most int) ([]string, error) {
	list := strings.Split(name, separator)
	if len(list) > most || slices.ContainsFunc(list, func(part string) bool {
		return part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\\?#%: ")
	}) {
		return nil, fmt.Errorf("allowed_organizations: %q cannot be the name of one", name)
	}
	return list, nil
}
