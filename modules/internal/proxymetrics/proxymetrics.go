// Package proxymetrics counts what a proxy does under the names that
// configurable-http-proxy has for it. All handlers of one configuration count in
// the same metrics.
package proxymetrics

import (
	"errors"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics of one configuration. It implements the interfaces that
// packages direct and routesapi ask for.
type Metrics struct {
	listed, added, deleted prometheus.Counter
	webSockets, requests   prometheus.Counter
	answers, apiAnswers    *prometheus.CounterVec
	lookups                prometheus.Summary
}

// quantiles are those of configurable-http-proxy, each with how far off it may be.
var quantiles = map[float64]float64{0.01: 0.001, 0.05: 0.005, 0.5: 0.05, 0.9: 0.01, 0.95: 0.005, 0.99: 0.001, 0.999: 0.0001}

// Of returns the metrics of a configuration; they are in Caddy's own registry.
func Of(ctx caddy.Context) (*Metrics, error) {
	registry := ctx.GetMetricsRegistry()
	m := new(Metrics)
	var errs []error
	counter := func(name, help string) prometheus.Counter {
		return registered(registry, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}), &errs)
	}
	byStatus := func(name, help string) *prometheus.CounterVec {
		return registered(registry, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"status"}), &errs)
	}
	m.listed = counter("api_route_get", "Reads of the whole routing table.")
	m.added = counter("api_route_add", "Routes added or replaced.")
	m.deleted = counter("api_route_delete", "Deletions of routes asked for.")
	m.webSockets = counter("requests_ws", "Requests for WebSockets.")
	m.requests = counter("requests_web", "Other requests.")
	m.answers = byStatus("requests_proxy", "Answers to requests, by status.")
	m.apiAnswers = byStatus("requests_api", "Answers of the API, by status.")
	m.lookups = registered(registry, prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "find_target_for_req", Help: "Seconds that finding a route took.", Objectives: quantiles,
	}), &errs)
	return m, errors.Join(errs...)
}

// registered is the collector, or the equal one that another handler has
// registered before.
func registered[T prometheus.Collector](registry prometheus.Registerer, collector T, errs *[]error) T {
	err := registry.Register(collector)
	if again, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if known, ok := again.ExistingCollector.(T); ok {
			return known
		}
	}
	if err != nil {
		*errs = append(*errs, err)
	}
	return collector
}

// RoutesListed implements routesapi.Metrics.
func (m *Metrics) RoutesListed() { m.listed.Inc() }

// RouteAdded implements routesapi.Metrics.
func (m *Metrics) RouteAdded() { m.added.Inc() }

// RouteDeleted implements routesapi.Metrics.
func (m *Metrics) RouteDeleted() { m.deleted.Inc() }

// APIAnswered implements routesapi.Metrics.
func (m *Metrics) APIAnswered(status int) {
	m.apiAnswers.WithLabelValues(strconv.Itoa(status)).Inc()
}

// RouteFound implements direct.Metrics.
func (m *Metrics) RouteFound(took time.Duration) { m.lookups.Observe(took.Seconds()) }

// Requested implements direct.Metrics.
func (m *Metrics) Requested(webSocket bool) {
	if webSocket {
		m.webSockets.Inc()
		return
	}
	m.requests.Inc()
}

// Answered implements direct.Metrics.
func (m *Metrics) Answered(status int) { m.answers.WithLabelValues(strconv.Itoa(status)).Inc() }
