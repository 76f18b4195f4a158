package hubauth

import (
	"encoding/json"
	"errors"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// ofServers is what is written behind hub_auth in front of servers.
const ofServers = "servers"

var (
	errTokenInURL = errors.New("hub_auth: token_in_url persist is for servers and services; an app has nothing that a link could open")
	errNobody     = errors.New("hub_auth: nobody may pass: name scopes, users or groups, or write \"allow authenticated\" or \"allow anonymous\"; in front of servers, as one of the parts of hub, write \"hub_auth servers\"")
)

// UnmarshalCaddyfile sets up the handler. In front of an app:
//
//	hub_auth [<matcher>] {
//		scopes <scope...>
//		users <name...>
//		groups <name...>
//		allow authenticated|anonymous
//		token_in_url off
//		identity_header <name> [<value>]
//		jwt {
//			header <name>
//			audience <text>
//			algorithm ES256|EdDSA
//			lifetime <duration>
//		}
//	}
//
// In front of servers and services:
//
//	hub_auth [<matcher>] servers {
//		token_in_url [<matcher>] off|persist
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return h.unmarshal(httpcaddyfile.Helper{Dispenser: d})
}

// unmarshal is UnmarshalCaddyfile where there are named matchers.
func (h *Handler) unmarshal(helper httpcaddyfile.Helper) error {
	d := helper.Dispenser
	d.Next() // the name
	if args := d.RemainingArgs(); len(args) > 0 {
		if h.Servers = len(args) == 1 && args[0] == ofServers; !h.Servers {
			return d.Errf("hub_auth takes no value on its line but %q; who may pass stands in a block", ofServers)
		}
	}
	known := h.Words()
	if h.Servers {
		clear(known)
	}
	known["token_in_url"] = ParseTokenInURL(helper, &h.TokenInURL)
	if err := words.Block(d, "hub_auth", known); err != nil {
		return err
	}
	switch {
	case h.Servers:
		return nil
	case tokenRules(h.TokenInURL).persist():
		return d.WrapErr(errTokenInURL)
	case !h.given():
		return d.WrapErr(errNobody)
	}
	return h.CheckPolicy(d)
}

// parseCaddyfile makes the route of an app and, if that has a matcher, another one:
// logins arrive on a path that it may not match.
func parseCaddyfile(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	handler := new(Handler)
	if err := handler.unmarshal(h); err != nil {
		return nil, err
	}
	values := h.NewRoute(matcher, handler)
	if matcher == nil || !handler.given() {
		return values, nil
	}
	arrivals := caddy.ModuleMap{"path": caddyconfig.JSON(caddyhttp.MatchPath{handover.Path}, nil)}
	route := caddyhttp.Route{
		MatcherSetsRaw: []caddy.ModuleMap{arrivals},
		HandlersRaw:    []json.RawMessage{caddyconfig.JSONModuleObject(&Handler{HandoverOnly: true}, "handler", "hub_auth", nil)},
	}
	return append(values, httpcaddyfile.ConfigValue{Class: "route", Value: route}), nil
}
