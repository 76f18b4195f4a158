package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/service"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// records are all routes, undecoded, so that one that cannot be read does not
// keep a configuration from coming into force.
var records = store.Collection[json.RawMessage]{Kind: route.Kind}

// routesOf are the routes of the configured services that have an address.
func routesOf(settings Settings) ([]route.Route, error) {
	var routes []route.Route
	for _, service := range settings.Configuration.Services {
		if service.URL == "" {
			continue
		}
		routed, err := routeOfService(settings.Base, service.Service)
		if err != nil {
			return nil, err
		}
		routes = append(routes, routed)
	}
	return routes, nil
}

// routeOfService is the route of a service that has an address.
func routeOfService(base hubpath.Base, service identity.Service) (route.Route, error) {
	spec, err := route.ParseSpec(base.Service(service.Name))
	if err != nil {
		return route.Route{}, fmt.Errorf("hub: service %q: %w", service.Name, err)
	}
	target, err := route.ParseTarget(service.URL)
	if err != nil {
		return route.Route{}, fmt.Errorf("hub: url of service %q: %w", service.Name, err)
	}
	data := route.Data{Service: service.Name, Public: service.Public}
	return route.Route{Spec: spec, Target: target, Data: data}, nil
}

// createdRoutes are the routes of services that were made through the API.
func (p *parts) createdRoutes(ctx context.Context, base hubpath.Base) (routes []route.Route, err error) {
	services, err := p.directory.Services(ctx)
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		if service.Configured || service.URL == "" {
			continue
		}
		routed, err := routeOfService(base, service)
		if err != nil {
			return nil, err
		}
		routes = append(routes, routed)
	}
	return routes, nil
}

// applyServices makes routes and OAuth clients agree with the configured
// services and with those made through the API, and shows the routes on this
// node. Call it after the services themselves have been applied.
func (p *parts) applyServices(ctx context.Context, settings Settings, routes []route.Route) error {
	created, err := p.createdRoutes(ctx, settings.Base)
	if err != nil {
		return fmt.Errorf("hub: services: %w", err)
	}
	routes = slices.Concat(routes, created)
	stale, err := p.staleRoutes(ctx, routes)
	if err != nil {
		return fmt.Errorf("hub: services: %w", err)
	}
	err = p.directory.Store().Update(ctx, func(w store.Writer) error {
		if err := oauth.ApplyServices(w, p.directory, settings.addresses(), settings.Configuration.Services); err != nil {
			return err
		}
		for _, spec := range stale {
			if err := route.Delete(w, spec); err != nil {
				return err
			}
		}
		for _, wanted := range routes {
			if err := route.Put(w, wanted); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("hub: services: %w", err)
	}
	for _, wanted := range routes {
		stale = append(stale, wanted.Spec)
	}
	return p.routes.Apply(ctx, stale...)
}

// pidOf is the process number of a service that the hub runs, 0 if it does not
// run now.
func pidOf(r store.Reader, name string) (int, error) {
	process, _, err := service.Find(r, name)
	return process.PID, err
}

// registerServices is how services that are created through the API become
// OAuth clients.
func registerServices(d *identity.Directory, at oauth.Addresses) func(store.Writer, identity.Service, string) error {
	return func(w store.Writer, service identity.Service, token string) error {
		err := oauth.RegisterService(w, d, at, service, token)
		if errors.Is(err, oauth.ErrService) {
			return fmt.Errorf("%w: %w", api.ErrService, err)
		}
		return err
	}
}

// staleRoutes are the routes of services that have moved, or have no address any
// more, or are gone.
func (p *parts) staleRoutes(ctx context.Context, wanted []route.Route) (stale []route.Spec, err error) {
	keep := make(map[route.Spec]bool, len(wanted))
	for _, w := range wanted {
		keep[w.Spec] = true
	}
	err = p.directory.Store().View(ctx, func(r store.Reader) error {
		stale = nil
		return records.Each(r, "", func(item store.Item[json.RawMessage]) error {
			var found route.Route
			if json.Unmarshal(item.Value, &found) != nil || found.Data.Service == "" || found.Foreign() || keep[found.Spec] {
				return nil
			}
			stale = append(stale, found.Spec)
			return nil
		})
	})
	return stale, err
}
