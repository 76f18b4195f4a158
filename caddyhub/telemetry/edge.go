package telemetry

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// edge is what happens to requests for servers and services. These counters are
// made once, and counting is one atomic addition.
type edge struct {
	allowed, redirected, stopped prometheus.Counter
	refused                      map[int]prometheus.Counter
	refusedOther                 prometheus.Counter
	unreachable, granted         prometheus.Counter
	closed                       map[string]prometheus.Counter
}

func newEdge(m *Metrics) edge {
	decisions := m.counters("decisions_total", "Decisions of the gate about requests for servers and services.", "decision",
		"allowed", "redirected", "server_not_running", "bad_request", "unauthorized", "forbidden", "not_found", "unavailable", other)
	failures := prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: ours, Name: "upstream_failures_total", Help: "Requests whose server or service did not answer.",
	})
	grants := prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: ours, Name: "grants_total", Help: "Grants that browsers have got for tokens in links.",
	})
	m.hub = append(m.hub, failures, grants)
	return edge{
		allowed: decisions["allowed"], redirected: decisions["redirected"], stopped: decisions["server_not_running"],
		refused: map[int]prometheus.Counter{
			http.StatusBadRequest: decisions["bad_request"], http.StatusUnauthorized: decisions["unauthorized"],
			http.StatusForbidden: decisions["forbidden"], http.StatusNotFound: decisions["not_found"],
			http.StatusServiceUnavailable: decisions["unavailable"],
		},
		refusedOther: decisions[other], unreachable: failures, granted: grants,
		closed: m.counters("websockets_closed_total", "WebSockets that the hub has closed: revoked, their server stopped, or their login not confirmed for too long.", "reason",
			"revoked", "server_stopped", "unconfirmed"),
	}
}

// Allowed counts a request that was forwarded.
func (m *Metrics) Allowed() { m.edge.allowed.Inc() }

// Redirected counts a request that was sent to log in.
func (m *Metrics) Redirected() { m.edge.redirected.Inc() }

// NotRunning counts a request for a server that does not run.
func (m *Metrics) NotRunning() { m.edge.stopped.Inc() }

// Refused counts a request that was refused with an HTTP status.
func (m *Metrics) Refused(status int) {
	if counter, known := m.edge.refused[status]; known {
		counter.Inc()
		return
	}
	m.edge.refusedOther.Inc()
}

// Unreachable counts a request whose upstream did not answer.
func (m *Metrics) Unreachable() { m.edge.unreachable.Inc() }

// Granted counts a grant that a browser has got for a token in a link.
func (m *Metrics) Granted() { m.edge.granted.Inc() }

// SocketClosed counts a WebSocket that the hub has closed, by the code: 1008 where
// it may not stay open, 1013 where its login could not be confirmed for too long,
// and any other where its server is gone.
func (m *Metrics) SocketClosed(code int) {
	switch code {
	case 1008:
		m.edge.closed["revoked"].Inc()
	case 1013:
		m.edge.closed["unconfirmed"].Inc()
	default:
		m.edge.closed["server_stopped"].Inc()
	}
}
