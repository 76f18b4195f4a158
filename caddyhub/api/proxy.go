package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// Routes are the routes of this node; a *route.Mirror is one.
type Routes interface {
	// Table is what requests are routed by.
	Table() *route.Table
	// Apply shows routes that were just written on this node.
	Apply(ctx context.Context, specs ...route.Spec) error
}

// proxyEndpoints are those of section 1.10. The proxy is this program.
func (a *API) proxyEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/proxy", need(onHub, "proxy"), listRoutes},
		{http.MethodPost, "/proxy", need(onHub, "proxy"), checkRoutes},
		{http.MethodPatch, "/proxy", need(onHub, "proxy"), changeProxy},
	}
}

// listRoutes lists the routes by routespec: those of the hub, not those that
// clients of configurable-http-proxy's API have added.
func listRoutes(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	hub := string(c.options.Base)
	found := map[string]*route.Entry{hub: nil}
	if c.options.Routes != nil {
		for known := range c.options.Routes.Table().All() {
			if spec := known.Spec().String(); !known.Foreign() && spec != hub {
				found[spec] = known
			}
		}
	}
	specs := slices.Sorted(maps.Keys(found))
	models := make(map[string]any)
	for _, spec := range specs[min(page.offset, len(specs)):min(page.offset+page.limit, len(specs))] {
		models[spec] = c.routeModel(spec, found[spec])
	}
	return c.paginated(page, models, len(specs))
}

// routeModel is a route as JupyterHub's proxy has it; nil is that to the hub.
func (c *call) routeModel(spec string, known *route.Entry) map[string]any {
	data := map[string]any{}
	model := map[string]any{"routespec": spec, "data": data}
	if known == nil {
		data["hub"], data["last_activity"] = true, inMilliseconds(c.options.Now())
		model["target"] = c.scheme() + "://" + c.r.Host
		return model
	}
	switch of := known.Data(); {
	case of.User != "":
		data["user"], data["server_name"] = of.User, of.ServerName
	case of.Service != "":
		data["service"] = of.Service
	}
	model["target"] = known.Target().String()
	if last := known.Activity().Last(); !last.IsZero() {
		data["last_activity"] = inMilliseconds(last)
	}
	return model
}

// inMilliseconds is a time as configurable-http-proxy writes it.
func inMilliseconds(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// checkRoutes makes routes agree with servers and services.
func checkRoutes(c *call) error {
	if c.options.CheckRoutes != nil {
		if err := c.options.CheckRoutes(c.r.Context()); err != nil {
			return err
		}
	}
	return c.empty(http.StatusOK, typeJSON)
}

// changeProxy tells JupyterHub that another proxy is in charge, which cannot be
// here: whoever asks must not believe that it is.
func changeProxy(c *call) error {
	if len(c.body) == 0 {
		return badRequest("need JSON body")
	}
	value, err := decodeBody(c.body)
	model, is := value.(map[string]any)
	if err != nil || !is {
		return badRequest("Request body must be JSON dict")
	}
	for _, key := range []string{"api_url", "auth_token"} {
		if _, given := model[key]; given {
			return badRequest("%s cannot be changed: the hub is its own proxy", key)
		}
	}
	return checkRoutes(c)
}
