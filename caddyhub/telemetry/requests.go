package telemetry

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are the requests to the hub itself: API, pages and OAuth.
type requests struct {
	durations *prometheus.HistogramVec
	// known are the observers by label values, so that counting allocates nothing.
	known *sync.Map
}

// labels of a request.
type labels struct {
	method, handler string
	code            int
}

// methods are those that have a label of their own: the method is the caller's
// to choose.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func newRequests(m *Metrics) requests {
	return requests{
		durations: m.histogram("request_duration_seconds", "Request duration for all HTTP requests", buckets, "method", "handler", "code"),
		known:     new(sync.Map),
	}
}

// Request counts a request to the hub that was answered. The handler is a
// pattern from the tables of the hub, never a path; the code that of the answer.
func (m *Metrics) Request(handler, method string, code int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = other
	}
	if code < 100 || code > 599 {
		code = 0
	}
	key := labels{method, handler, code}
	found, known := m.requests.known.Load(key)
	if !known {
		found, _ = m.requests.known.LoadOrStore(key, m.requests.durations.WithLabelValues(method, handler, strconv.Itoa(code)))
	}
	found.(prometheus.Observer).Observe(took.Seconds())
}
