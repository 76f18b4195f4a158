package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// routes are the changes of the routing table. Where JupyterHub talks to a
// proxy, this is the commit that makes a route, and this node's table showing it.
type routes struct {
	added, deleted map[string]prometheus.Observer
	checked        prometheus.Observer
}

func newRoutes(m *Metrics) routes {
	return routes{
		added: m.outcomes("proxy_add_duration_seconds", "Duration for adding user routes to proxy", buckets, "status",
			"success", "failure"),
		deleted: m.outcomes("proxy_delete_duration_seconds", "Duration for deleting user routes from proxy", buckets, "status",
			"success", "failure"),
		checked: m.histogram("check_routes_duration_seconds", "Time taken to validate all routes in proxy", buckets).WithLabelValues(),
	}
}

// RouteAdded counts that a server was given its route.
func (m *Metrics) RouteAdded(took time.Duration, err error) {
	m.routes.added[status(err)].Observe(took.Seconds())
}

// RouteDeleted counts that the route of a server was taken away.
func (m *Metrics) RouteDeleted(took time.Duration, err error) {
	m.routes.deleted[status(err)].Observe(took.Seconds())
}

// RoutesChecked counts a comparison of all routes with what should be.
func (m *Metrics) RoutesChecked(took time.Duration) { m.routes.checked.Observe(took.Seconds()) }
