package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Gauges are read when somebody asks for the metrics. Each may be nil, and
// answers at once.
type Gauges struct {
	// Users and RunningServers of the whole hub; PendingServers are being
	// started, stopped or checked.
	Users, RunningServers, PendingServers func() int
	// OpenSockets are the WebSockets of this node.
	OpenSockets func() int
	// InTouch says whether this node hears of every change in the store.
	InTouch func() bool
}

// Watch says where gauges are read from now on.
func (m *Metrics) Watch(gauges Gauges) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gauges = gauges
}

func (m *Metrics) watched() Gauges {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gauges
}

func newGauges(m *Metrics) []prometheus.Collector {
	number := func(read func(Gauges) func() int) func() float64 {
		return func() float64 {
			if get := read(m.watched()); get != nil {
				return float64(get())
			}
			return 0
		}
	}
	gauge := func(namespace, name, help string, read func(Gauges) func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, number(read))
	}
	return []prometheus.Collector{
		gauge(namespace, "total_users", "Total number of users", func(g Gauges) func() int { return g.Users }),
		gauge(namespace, "running_servers", "The number of user servers currently running",
			func(g Gauges) func() int { return g.RunningServers }),
		gauge(ours, "pending_servers", "Servers that are being started, stopped or checked.",
			func(g Gauges) func() int { return g.PendingServers }),
		gauge(ours, "websockets_open", "WebSockets that are open through this node.",
			func(g Gauges) func() int { return g.OpenSockets }),
		gauge(ours, "store_in_touch", "1 while this node hears of every change in the store.", func(g Gauges) func() int {
			return func() int {
				if g.InTouch != nil && g.InTouch() {
					return 1
				}
				return 0
			}
		}),
	}
}
