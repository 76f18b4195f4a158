package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/version"
)

const (
	typeJSON = "application/json"
	// typeText is what JupyterHub says of the empty answers to starts.
	typeText = "text/plain"
	// typeHTML is what it says of the empty answers to probes.
	typeHTML = "text/html"
)

// headersOf are what every answer has (JupyterHub "Response headers").
func headersOf(base hubpath.Base) http.Header {
	h := make(http.Header)
	h.Set("X-JupyterHub-Version", version.JupyterHub)
	h.Set("X-CaddyHub-Version", version.Release)
	h.Set("Access-Control-Allow-Headers", "accept, content-type, authorization")
	h.Set("Content-Security-Policy",
		"frame-ancestors 'none'; report-uri "+base.Hub("security/csp-report")+"; default-src 'none'")
	h.Set("Content-Type", typeJSON)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	gate.KeepApart(h)
	return h
}

// setHeaders sets what every answer has. The lists are shared between answers:
// they have no room for more, so whoever adds to one makes a list of their own.
func (a *API) setHeaders(h http.Header) { maps.Copy(h, a.headers) }

// json answers with a model.
func (c *call) json(status int, model any) error {
	data, err := json.Marshal(model)
	if err != nil {
		return fmt.Errorf("api: encode answer: %w", err)
	}
	c.write(status, data)
	return nil
}

// shortAnswer is up to how long an answer net/http counts the bytes itself, in
// every version of HTTP.
const shortAnswer = 2048

// write answers with what is encoded already.
func (c *call) write(status int, data []byte) {
	// A header of more than eight fields is a larger kind of map, twice: net/http
	// makes a copy. So the length is told here only if nobody else tells it.
	if len(data) > shortAnswer {
		c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(data))}
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(data) // the client may have left
}

// empty answers without a body.
func (c *call) empty(status int, contentType string) error {
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(status)
	return nil
}

// noContent answers 204, which has no body and so no type.
func (c *call) noContent() error {
	c.w.Header().Del("Content-Type")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// stamp is a time as the REST API writes it: UTC with six digits of fractions or
// none; null for the zero time (section 0.5).
func stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return isoFormat(at)
}

func isoFormat(at time.Time) string {
	at = at.UTC()
	if at.Nanosecond()/1000 == 0 {
		return at.Format("2006-01-02T15:04:05Z")
	}
	return at.Format("2006-01-02T15:04:05.000000Z")
}
