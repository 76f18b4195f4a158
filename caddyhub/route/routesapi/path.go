package routesapi

import (
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// specOf is the routespec that the decoded rest of a path names: "" and "/" are
// the root. With host routing the first segment is the host.
func (a *API) specOf(rest string) (route.Spec, error) {
	rest = strings.Trim(rest, "/")
	if rest == "" {
		return route.NewSpec("")
	}
	segments := strings.Split(rest, "/")
	if a.options.HostRouting {
		return route.NewSpec(strings.Trim(segments[0], "[]"), segments[1:]...)
	}
	return route.NewSpec("", segments...)
}

// pathOf is the name of a route in a list: specOf reads it back. It is decoded,
// begins with a slash and, unless it is the root, ends without one.
func pathOf(spec route.Spec) string {
	var path strings.Builder
	if spec.Host() != "" {
		path.WriteByte('/')
		path.WriteString(spec.Host())
	}
	for _, segment := range spec.Segments() {
		path.WriteByte('/')
		path.WriteString(segment)
	}
	if path.Len() == 0 {
		return "/"
	}
	return path.String()
}
