package app

import (
	"net"
	"net/url"
	"strconv"

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

// served is an address at which a hub is served.
type served struct {
	host   string // from the site's host matcher; empty if there is none
	server *caddyhttp.Server
	https  bool
}

// surfaces finds the sites that serve the hub, in the configuration that is
// being started.
func (a *App) surfaces() []served {
	loaded, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return nil
	}
	var found []served
	for _, server := range loaded.(*caddyhttp.App).Servers {
		for _, host := range hostsOf(server.Routes, "") {
			found = append(found, served{host: host, server: server, https: len(server.TLSConnPolicies) > 0})
		}
	}
	return found
}

// hostsOf are the hosts whose routes lead to a surface of the hub; "" stands
// for any host.
func hostsOf(routes caddyhttp.RouteList, host string) []string {
	var hosts []string
	for _, route := range routes {
		within := host
		for _, set := range route.MatcherSets {
			for _, matcher := range set {
				if match, ok := matcher.(*caddyhttp.MatchHost); ok && len(*match) > 0 {
					within = (*match)[0]
				}
			}
		}
		for _, handler := range route.Handlers {
			switch handler := handler.(type) {
			case Surface:
				hosts = append(hosts, within)
			case *caddyhttp.Subroute:
				hosts = append(hosts, hostsOf(handler.Routes, within)...)
			}
		}
	}
	return hosts
}

// publicURL is the origin of the first site that serves the hub; nil if there
// is none or its host is not fixed.
func (a *App) publicURL() *url.URL {
	for _, site := range a.surfaces() {
		if len(site.server.Listen) == 0 || site.host == "" {
			continue
		}
		address, err := caddy.ParseNetworkAddress(site.server.Listen[0])
		if err != nil || address.IsUnixNetwork() {
			continue
		}
		origin := &url.URL{Scheme: "http", Host: site.host}
		if site.https {
			origin.Scheme = "https"
		}
		if port := address.StartPort; !site.https && port != 80 || site.https && port != 443 {
			origin.Host = net.JoinHostPort(site.host, strconv.FormatUint(uint64(port), 10))
		}
		return origin
	}
	return nil
}

// localURL is an origin of a site that serves the hub to this machine without
// TLS, whatever name it has to others; nil if there is none.
func (a *App) localURL() *url.URL {
	for _, site := range a.surfaces() {
		if site.https || site.host != "" {
			continue
		}
		for _, text := range site.server.Listen {
			address, err := caddy.ParseNetworkAddress(text)
			if err != nil || address.IsUnixNetwork() {
				continue
			}
			host := address.Host
			if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.FormatUint(uint64(address.StartPort), 10))}
		}
	}
	return nil
}

// checkAddresses asks authenticators that do not serve everywhere.
func (a *App) checkAddresses(hub.Settings) error {
	var addresses []string
	for _, site := range a.surfaces() {
		addresses = append(addresses, site.server.Listen...)
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
