package api

import (
	"bytes"
	"net/http"
)

// metricsEndpoint is where Prometheus looks: {hub}metrics and {hub}api/metrics
// (JupyterHub "Hub").
func (a *API) metricsEndpoint() endpoint {
	permit := permit{who: identified}
	if a.options.MetricsForAll {
		permit.who = anybody
	}
	return endpoint{http.MethodGet, "/metrics", permit, getMetrics}
}

// metricsType is the content type that JupyterHub 5.5.1 sends, from release 0.22
// of Prometheus' Python client on.
const metricsType = "text/plain; version=1.0.0; charset=utf-8"

func getMetrics(c *call) error {
	if !c.options.MetricsForAll {
		held := false
		if c.identity != nil {
			_, held = c.scopes.Filters("read:metrics")
		}
		if !held {
			return refuse(http.StatusForbidden, "Access to metrics requires scope 'read:metrics'")
		}
	}
	if c.options.Metrics == nil {
		return errNoRoute
	}
	var text bytes.Buffer
	if err := c.options.Metrics(&text); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", metricsType)
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(text.Bytes()) // the client may have left
	return nil
}
