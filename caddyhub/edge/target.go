package edge

import (
	"context"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// lookAtTarget finds out what stands behind the path.
func (e *Edge) lookAtTarget(ctx context.Context, host string, v *visit) {
	if found, ok := e.options.Routes.Table().Lookup(host, v.path.String()); ok && e.routed(found) {
		v.toRoute(found)
		return
	}
	switch kind := v.path.Segment(0); {
	case kind == "user" && v.path.Segment(1) != "":
		e.lookAtServer(ctx, v)
	case kind == "services":
		if fresh, _ := e.options.Routes.Fresh(); !fresh {
			// There may be a route that this node has not heard of.
			v.resource.State = gate.StateUnavailable
		}
	}
}

// routed says whether a route is one that this gate has rules for.
func (e *Edge) routed(found *route.Entry) bool {
	data := found.Data()
	return data.User != "" || data.Service != ""
}

func (v *visit) toRoute(found *route.Entry) {
	v.route = found
	data := found.Data()
	v.resource.State = gate.StateReady
	if data.User == "" {
		v.client = scope.Client{Service: data.Service}
		v.resource.Open = data.Public
		return
	}
	v.toServer(data.User, data.ServerName)
}

func (v *visit) toServer(user, name string) {
	v.client = scope.Client{Server: scope.Server{User: user, Name: name}}
	v.resource.Owner, v.resource.ServerName = user, name
}

// lookAtServer asks the store about a server that has no route here: it may not
// be running, or its route may not have arrived at this node yet.
func (e *Edge) lookAtServer(ctx context.Context, v *visit) {
	user := v.path.Segment(1)
	found, err := e.findServer(ctx, user, v.path.Segment(2))
	v.toServer(user, found.Name)
	switch {
	case errors.Is(err, server.ErrUser), errors.Is(err, server.ErrNotFound):
		v.resource.State = gate.StateAbsent
	case err != nil:
		v.resource.State = gate.StateUnavailable
		e.report(ctx, "server not looked up", err)
	case found.Ready:
		e.catchUp(ctx, v, found)
	case found.Pending == server.PendingSpawn, found.Failure != nil && found.Pending == server.PendingNone:
		v.resource.State = gate.StatePending
	default:
		v.resource.State = gate.StateStopped
	}
}

// findServer is the server that a path is about: the one that the first segment
// below the user names, if there is one, else the default server.
func (e *Edge) findServer(ctx context.Context, user, name string) (server.Server, error) {
	if e.options.NamedServers && name != "" {
		found, err := e.options.Servers.Get(ctx, user, name)
		if err == nil || !errors.Is(err, server.ErrNotFound) {
			return found, err
		}
	}
	return e.options.Servers.Get(ctx, user, "")
}

// catchUp reads the route of a server that the store says is ready.
func (e *Edge) catchUp(ctx context.Context, v *visit, found server.Server) {
	v.resource.State = gate.StateUnavailable
	if found.Route.Path() != e.options.Base.Server(found.User, found.Name) {
		e.log.WarnContext(ctx, "server was started under another base path; stop and start it",
			"user", found.User, "server", found.Name, "route", found.Route.String())
		return
	}
	if err := e.options.Routes.Apply(ctx, found.Route); err != nil {
		e.report(ctx, "route not read", err)
		return
	}
	if known, ok := e.options.Routes.Table().Get(found.Route); ok {
		v.toRoute(known)
	}
}
