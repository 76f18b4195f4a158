package app

import (
	"cmp"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
)

// Surface is a handler that shows the hub to browsers: the app learns from it
// where the hub is served.
type Surface interface {
	caddyhttp.MiddlewareHandler
	// HubSurface marks the handler; it does nothing.
	HubSurface()
}

// served is an address at which a hub or an app is served.
type served struct {
	host    string // from the site's host matcher; empty if there is none
	address caddy.NetworkAddress
	https   bool
}

// surfaces finds the addresses that serve the hub, in the configuration that is
// being started.
func (a *App) surfaces() []served {
	return a.sites(func(handler caddyhttp.MiddlewareHandler, within []string) []string {
		if _, ok := handler.(Surface); !ok {
			return nil
		}
		if len(within) == 0 {
			return []string{""}
		}
		return within
	})
}

// hostsOf says for which hosts a handler is what is looked for, within those of its
// routes; "" stands for any host.
type hostsOf func(handler caddyhttp.MiddlewareHandler, within []string) []string

// sites finds the addresses of hosts in the configuration that is being started.
func (a *App) sites(hosts hostsOf) []served {
	loaded, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return nil
	}
	app := loaded.(*caddyhttp.App)
	var found []served
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		server := app.Servers[name]
		for _, host := range hosts.in(server.Routes, nil) {
			for _, text := range server.Listen {
				address, err := caddy.ParseNetworkAddress(text)
				if err != nil {
					continue // Caddy refuses the configuration for it
				}
				// Caddy never serves TLS on its port for plain HTTP.
				https := len(server.TLSConnPolicies) > 0 && int(address.StartPort) != httpPort(app)
				found = append(found, served{host: host, address: address, https: https})
			}
		}
	}
	return found
}

func httpPort(app *caddyhttp.App) int { return cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort) }

// in are the hosts in routes, within those of the routes above.
func (of hostsOf) in(routes caddyhttp.RouteList, above []string) []string {
	var hosts []string
	for _, route := range routes {
		within := matched(route, above)
		for _, handler := range route.Handlers {
			hosts = append(hosts, of(handler, within)...)
			if below, ok := handler.(*caddyhttp.Subroute); ok {
				hosts = append(hosts, of.in(below.Routes, within)...)
			}
		}
	}
	return hosts
}

// ServesPages says whether the hub's pages are at any site. It is known once the
// configuration starts.
func (a *App) ServesPages() bool { return len(a.surfaces()) > 0 }

// matched are the hosts that a route is for; those above if it names none.
func matched(route caddyhttp.Route, above []string) []string {
	var hosts []string
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			if match, ok := matcher.(*caddyhttp.MatchHost); ok {
				hosts = append(hosts, *match...)
			}
		}
	}
	if len(hosts) == 0 {
		return above
	}
	return hosts
}

// publicURL is the origin of the first site that serves the hub under a fixed
// host, one with TLS if there is any; nil if there is none.
func (a *App) publicURL() *url.URL {
	var first *url.URL
	for _, site := range a.surfaces() {
		if !site.network() || site.host == "" || strings.ContainsAny(site.host, "*{}") {
			continue
		}
		if origin := site.origin(site.host); site.https {
			return origin
		} else if first == nil {
			first = origin
		}
	}
	return first
}

// network says whether the address is one that a URL can name.
func (s served) network() bool { return !s.address.IsUnixNetwork() && !s.address.IsFdNetwork() }

// origin is the address under a host name or IP address.
func (s served) origin(host string) *url.URL {
	scheme, usual := "http", uint(80)
	if s.https {
		scheme, usual = "https", 443
	}
	if s.address.StartPort != usual {
		return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.FormatUint(uint64(s.address.StartPort), 10))}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return &url.URL{Scheme: scheme, Host: host}
}

// localURL is an origin of a site that serves the hub to this machine without
// TLS, whatever name it has to others; nil if there is none.
func (a *App) localURL() *url.URL {
	for _, site := range a.surfaces() {
		if !site.network() || site.https || site.host != "" {
			continue
		}
		host := site.address.Host
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		return site.origin(host)
	}
	return nil
}

// checkAddresses asks authenticators that do not serve everywhere.
func (a *App) checkAddresses(hub.Settings) error {
	var addresses []string
	for _, site := range a.surfaces() {
		addresses = append(addresses, site.address.String())
	}
	for _, named := range a.authenticators {
		if checker, ok := named.module.(AddressChecker); ok {
			if err := checker.CheckAddresses(addresses); err != nil {
				return err
			}
		}
	}
	return nil
}
