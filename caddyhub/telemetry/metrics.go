package telemetry

import (
	"io"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/caddyhub/caddyhub/caddyhub/version"
)

// The prefixes of names.
const (
	namespace = "jupyterhub"
	ours      = "caddyhub"
)

// ContentType is that of WriteText.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// buckets are those of JupyterHub's histograms, in seconds, unless they have
// their own (the defaults of Prometheus' Python client).
var buckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// spawnBuckets are those of server_spawn_duration_seconds.
var spawnBuckets = []float64{.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600}

// Metrics are the metrics of one hub. All methods may be called from any
// goroutine. It is a prometheus.Collector of what the hub itself counts.
type Metrics struct {
	// all has everything, hub what Collect gives.
	all *prometheus.Registry
	hub []prometheus.Collector

	requests requests
	servers  servers
	routes   routes
	edge     edge
	people   people

	mu     sync.Mutex
	gauges Gauges
}

// New makes Metrics that have counted nothing.
func New() *Metrics {
	m := &Metrics{all: prometheus.NewRegistry()}
	m.requests = newRequests(m)
	m.servers = newServers(m)
	m.routes = newRoutes(m)
	m.edge = newEdge(m)
	m.people = newPeople(m)
	m.hub = append(m.hub, newGauges(m)...)
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: ours, Name: "info", Help: "What runs here; always 1.",
		ConstLabels: prometheus.Labels{"version": version.Release, "jupyterhub_version": version.JupyterHub},
	})
	info.Set(1)
	m.hub = append(m.hub, info)
	m.all.MustRegister(m.hub...)
	m.all.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// WriteText writes everything in the text format of Prometheus, the process and
// the Go runtime included.
func (m *Metrics) WriteText(w io.Writer) error {
	families, err := m.all.Gather()
	if err != nil {
		return err
	}
	encoder := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return err
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, collector := range m.hub {
		collector.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, collector := range m.hub {
		collector.Collect(to)
	}
}

// histogram makes a histogram with labels.
func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	made := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
	}, labels)
	m.hub = append(m.hub, made)
	return made
}

// outcomes makes a histogram with one label of known values, each of which is
// there from the beginning: what has never failed has failed zero times.
func (m *Metrics) outcomes(name, help string, buckets []float64, label string, values ...string) map[string]prometheus.Observer {
	made := m.histogram(name, help, buckets, label)
	observers := make(map[string]prometheus.Observer, len(values))
	for _, value := range values {
		observers[value] = made.WithLabelValues(value)
	}
	return observers
}

// counters makes a counter of ours with one label of known values.
func (m *Metrics) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	made := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ours, Name: name, Help: help}, []string{label})
	m.hub = append(m.hub, made)
	counters := make(map[string]prometheus.Counter, len(values))
	for _, value := range values {
		counters[value] = made.WithLabelValues(value)
	}
	return counters
}

// count adds one to a counter; a value that is none of the known is counted as
// "other", if there is such a counter.
func count(counters map[string]prometheus.Counter, value string) {
	counter, known := counters[value]
	if !known {
		counter, known = counters[other]
	}
	if known {
		counter.Inc()
	}
}

// other stands for values that are not on a list.
const other = "other"

// status is the label of what may fail.
func status(err error) string {
	if err != nil {
		return "failure"
	}
	return "success"
}

// Interface guard
var _ prometheus.Collector = (*Metrics)(nil)
