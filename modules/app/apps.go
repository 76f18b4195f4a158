package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// Guard is a handler in front of an app: the app learns from it at which hosts
// people log in by the hub.
type Guard interface {
	caddyhttp.MiddlewareHandler
	// AppHosts are the hosts of the app beside those of the site that the handler
	// is in; guards is false if there is no app behind it.
	AppHosts() (hosts []string, guards bool)
}

// AppPolicy checks who may use an app by the configuration of the hub, and returns
// it with names as they are in the hub.
func (a *App) AppPolicy(policy appgate.Policy) (appgate.Policy, error) {
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "check", Authenticator: nobody{}}}, Rules: a.rules(),
	})
	if err != nil {
		return policy, err
	}
	users := make([]string, len(policy.Users))
	for i, text := range policy.Users {
		if users[i], err = login.UserName(text); err != nil {
			return policy, fmt.Errorf("users: %w", err)
		}
	}
	policy.Users = users
	return policy, policy.Check(a.base.definitions)
}

// SignBy has a key kept for an algorithm by which tokens for apps are signed.
func (a *App) SignBy(algorithm identitytoken.Algorithm) {
	if !slices.Contains(a.signBy, algorithm) {
		a.signBy = append(a.signBy, algorithm)
	}
}

// applyApps adds what the gates in front of apps need: hosts that logins are handed
// over to, and keys.
func (a *App) applyApps(settings *hub.Settings) error {
	settings.TokenAlgorithms = a.signBy
	found := a.guarded()
	if len(found) == 0 {
		return nil
	}
	if settings.PublicURL == nil {
		return errors.New("caddyhub: hub_auth is in front of an app at " + found[0].host +
			", but where people log in is not known: set public_url, or name the host of the site with the hub")
	}
	hosts := newGuests(settings.PublicURL)
	for _, site := range found {
		hosts.add(site)
	}
	settings.Guest, a.appOrigins = hosts.has, hosts.origins()
	return nil
}

// guarded finds the hosts of apps, in the configuration that is being started.
func (a *App) guarded() []served {
	return a.sites(func(handler caddyhttp.MiddlewareHandler, within []string) []string {
		guard, ok := handler.(Guard)
		if !ok {
			return nil
		}
		more, guards := guard.AppHosts()
		if !guards {
			return nil
		}
		return slices.DeleteFunc(slices.Concat(within, more), func(host string) bool {
			return host == "" || strings.ContainsAny(host, "{}")
		})
	})
}

// guests are hosts of apps in canonical form.
type guests struct {
	secure bool
	own    string
	exact  map[string]bool
	// below are those with a wildcard for their first label: what follows it.
	below map[string]bool
}

func newGuests(public *url.URL) *guests {
	g := &guests{secure: public.Scheme == "https", exact: make(map[string]bool), below: make(map[string]bool)}
	g.own, _ = subdomain.Canonical(public.Host, g.secure)
	return g
}

// add takes a host with the port that it is served on and, since something in
// front of Caddy may have another, without.
func (g *guests) add(site served) {
	names, port := g.exact, strconv.FormatUint(uint64(site.address.StartPort), 10)
	name, wildcard := strings.CutPrefix(site.host, "*.")
	if wildcard {
		names = g.below
	}
	forms := []string{name}
	if site.network() {
		forms = append(forms, net.JoinHostPort(strings.Trim(name, "[]"), port))
	}
	for _, text := range forms {
		if host, ok := subdomain.Canonical(text, g.secure); ok {
			names[host] = true
		}
	}
}

// has says whether a host, in canonical form, is one of an app.
func (g *guests) has(host string) bool {
	if host == g.own {
		return false
	}
	if g.exact[host] {
		return true
	}
	_, parent, found := strings.Cut(host, ".")
	return found && g.below[parent]
}

// origins are those of all hosts, for the policy of pages that lead there.
func (g *guests) origins() []string {
	scheme := "http://"
	if g.secure {
		scheme = "https://"
	}
	var list []string
	for host := range g.exact {
		list = append(list, scheme+host)
	}
	for host := range g.below {
		list = append(list, scheme+"*."+host)
	}
	slices.Sort(list)
	return list
}

// Base is the path of the hub.
func (a *App) Base() hubpath.Base { return a.base.base }
