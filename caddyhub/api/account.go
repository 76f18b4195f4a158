package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// account tells the metrics and the audit log what came of a request. It is the
// one place that does so, so that no endpoint can be forgotten.
func (c *call) account(begun time.Time) {
	if observe := c.options.Observe; observe != nil {
		name := "api unknown"
		if c.path != nil {
			name = c.path.name
		}
		observe(name, c.r.Method, c.answer.Status(), c.options.Now().Sub(begun))
	}
	if c.path == nil || c.options.Audit == nil {
		return
	}
	if _, known := c.path.byMethod[c.r.Method]; known && !safe(c.r.Method) {
		c.options.Audit.Record(c.r.Context(), c.event(c.path.pattern))
	}
}

// safe says whether a method changes nothing (RFC 9110, 9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func (c *call) event(pattern string) audit.Event {
	done := actionOf(c.r.Method, pattern)
	event := audit.Event{
		Action: done.name, Routine: done.routine, Actor: c.identity.Actor(), Remote: c.options.Remote(c.r),
		Status:  c.answer.Status(),
		Target:  audit.Target{User: c.user, Group: c.group, Service: c.service},
		Details: c.told(done.fields),
	}
	if c.path.has(varServer) || done.server {
		event.Target.Server = &c.server
	}
	if identity.IsTokenID(c.token) {
		// Anything else might be a token that somebody took for its id.
		event.Target.TokenID = c.token
	}
	return event
}

// told are those fields of the body that an operator wants to know.
func (c *call) told(fields []string) map[string]any {
	if len(fields) == 0 || len(c.body) == 0 {
		return nil
	}
	var body map[string]any
	if json.Unmarshal(c.body, &body) != nil {
		return nil
	}
	told := make(map[string]any, len(fields))
	for _, name := range fields {
		switch value := body[name].(type) {
		case string, bool, float64:
			told[name] = value
		case []any:
			texts := make([]string, 0, min(len(value), audit.MaxNames+1))
			for _, element := range value {
				if text, is := element.(string); is {
					texts = append(texts, text)
				}
			}
			told[name] = texts
		}
	}
	return told
}
