package server

import "github.com/caddyhub/caddyhub/caddyhub/route"

// RouteOf is the route of a server that is ready. route.ErrInvalid if its
// address cannot be a target.
func RouteOf(s Server) (route.Route, error) {
	target, err := route.ParseTarget(s.URL)
	if err != nil {
		return route.Route{}, err
	}
	return route.Route{Spec: s.Route, Target: target, Data: route.Data{User: s.User, ServerName: s.Name}}, nil
}
