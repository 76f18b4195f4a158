package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// checkRoutes makes the routes in the store agree with the servers that are
// ready and the services that have an address, and shows them on this node
// (JupyterHub "check_routes"). Nothing that works needs it: a route comes and
// goes in one transaction with what is behind it. Routes of servers that are
// starting or stopping, and those that clients of the routes API have added, are
// left alone.
func (p *parts) checkRoutes(ctx context.Context, base hubpath.Base) error {
	begin := time.Now()
	defer func() { p.metrics.RoutesChecked(time.Since(begin)) }()
	found, err := p.routesInQuestion(ctx, base)
	if err != nil {
		return fmt.Errorf("hub: check routes: %w", err)
	}
	specs := make([]route.Spec, 0, len(found))
	for _, one := range found {
		specs = append(specs, one.Spec)
		if !one.wrong {
			continue
		}
		err := p.directory.Store().Update(ctx, func(w store.Writer) error { return correct(w, base, one.Route) })
		if err != nil {
			return fmt.Errorf("hub: check routes: %w", err)
		}
	}
	for known := range p.routes.Table().All() {
		specs = append(specs, known.Spec())
	}
	return p.routes.Apply(ctx, specs...)
}

// questioned is a route that is stored or should be.
type questioned struct {
	route.Route
	wrong bool
}

// routesInQuestion are the routes that are stored or should be.
func (p *parts) routesInQuestion(ctx context.Context, base hubpath.Base) (found map[route.Spec]questioned, err error) {
	err = p.directory.Store().View(ctx, func(r store.Reader) error {
		found = make(map[route.Spec]questioned)
		return records.Each(r, "", func(item store.Item[json.RawMessage]) error {
			var stored route.Route
			if json.Unmarshal(item.Value, &stored) != nil || !checked(stored) {
				return nil
			}
			right, keep, err := rightRoute(r, base, stored.Data)
			wrong := !keep && (right.Spec != stored.Spec || right.Target != stored.Target)
			found[stored.Spec] = questioned{Route: stored, wrong: wrong}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, p.missingRoutes(ctx, base, found)
}

// checked says which routes are ours to correct.
func checked(stored route.Route) bool {
	return !stored.Foreign() && (stored.Data.User != "" || stored.Data.Service != "")
}

// missingRoutes adds the routes that should be there and are not.
func (p *parts) missingRoutes(ctx context.Context, base hubpath.Base, found map[route.Spec]questioned) error {
	var missing []route.Route
	services, err := p.directory.Services(ctx)
	if err != nil {
		return err
	}
	for _, service := range services {
		if routed, err := routeOfService(base, service); err == nil && service.URL != "" {
			missing = append(missing, routed)
		}
	}
	var user, name string
	for {
		servers, err := p.servers.Active(ctx, user, name, store.MaxPage)
		if err != nil {
			return err
		}
		for _, s := range servers {
			if routed, err := server.RouteOf(s); err == nil && s.Ready {
				missing = append(missing, routed)
			}
			user, name = s.User, s.Name
		}
		if len(servers) < store.MaxPage {
			break
		}
	}
	for _, routed := range missing {
		if _, there := found[routed.Spec]; !there {
			found[routed.Spec] = questioned{Route: routed, wrong: true}
		}
	}
	return nil
}

// rightRoute is the route that a server or service should have; zero for none.
// With keep, nobody can tell while the server is on its way.
func rightRoute(r store.Reader, base hubpath.Base, of route.Data) (right route.Route, keep bool, err error) {
	if of.Service != "" {
		service, err := identity.GetService(r, of.Service)
		if errors.Is(err, identity.ErrNotFound) || err == nil && service.URL == "" {
			return route.Route{}, false, nil
		}
		if err != nil {
			return route.Route{}, false, err
		}
		right, err = routeOfService(base, service)
		return right, false, err
	}
	s, err := server.Get(r, of.User, of.ServerName)
	switch {
	case errors.Is(err, server.ErrUser), errors.Is(err, server.ErrNotFound):
		return route.Route{}, false, nil
	case err != nil || s.Stopped():
		return route.Route{}, false, err
	case s.Pending != server.PendingNone:
		return route.Route{}, true, nil
	}
	right, err = server.RouteOf(s)
	return right, false, err
}

// correct makes one route what it should be, as that is now.
func correct(w store.Writer, base hubpath.Base, wrong route.Route) error {
	if stored, err := route.Get(w, wrong.Spec); err == nil && !checked(stored) {
		return nil // added by somebody else in the meantime
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	right, keep, err := rightRoute(w, base, wrong.Data)
	switch {
	case err != nil || keep:
		return err
	case right.Spec == wrong.Spec:
		return route.Put(w, right)
	}
	return route.Delete(w, wrong.Spec)
}
