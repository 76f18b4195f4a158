// Package hub is the directive hub: the whole hub at a site.
package hub

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/modules/handlers/hubapi"
	"github.com/caddyhub/caddyhub/modules/handlers/hubauth"
	"github.com/caddyhub/caddyhub/modules/handlers/hublogin"
	"github.com/caddyhub/caddyhub/modules/handlers/huboauth"
	"github.com/caddyhub/caddyhub/modules/handlers/hubproxy"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	httpcaddyfile.RegisterDirective("hub", parseHub)
	// What decides about requests comes where Caddy's own authentication does, before
	// anything that could answer them. In this order, since each is put behind those
	// before it: hub_auth answers whatever the others have left.
	for _, directive := range []string{"hub_exchange", "hub_forward_auth", "hub_api", "hub_oauth", "hub_login", "hub_auth"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "request_header")
	}
	httpcaddyfile.RegisterDirectiveOrder("hub_proxy", httpcaddyfile.Before, "reverse_proxy")
	// The whole hub takes what the other directives of its site leave.
	httpcaddyfile.RegisterDirectiveOrder("hub", httpcaddyfile.After, "acme_server")
}

// parseHub expands the directive into its parts, in the order that is right:
//
//	hub [<matcher>] {
//		token_in_url [<matcher>] off|persist
//	}
//
// becomes
//
//	route [<matcher>] {
//		hub_api
//		hub_oauth
//		hub_login
//		hub_auth
//		hub_proxy
//	}
//
// where hub_auth has the options of the block,
// without a subroute of its own, which Caddy would put together anew for every
// request.
func parseHub(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	gate := &hubauth.Handler{Servers: true}
	err = words.Module(h.Dispenser, "hub", map[string]words.Word{
		"token_in_url": hubauth.ParseTokenInURL(h, &gate.TokenInURL),
	})
	if err != nil {
		return nil, err
	}
	part := func(handler any, name string) json.RawMessage {
		return caddyconfig.JSONModuleObject(handler, "handler", name, nil)
	}
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{
		part(new(hubapi.Handler), "hub_api"),
		part(new(huboauth.Handler), "hub_oauth"),
		part(new(hublogin.Handler), "hub_login"),
		part(gate, "hub_auth"),
		part(new(hubproxy.Handler), "hub_proxy"),
	}}
	if matcher != nil {
		route.MatcherSetsRaw = []caddy.ModuleMap{matcher}
	}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: route}}, nil
}
