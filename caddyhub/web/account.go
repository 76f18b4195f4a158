package web

import (
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
)

// nothing is the action of a post that changes nothing.
const nothing = "nothing"

// did notes what a request has changed, or was about to, for the audit log. Only
// posts are recorded without it.
func (c *call) did(action string, target audit.Target) {
	c.event.Action, c.event.Target = action, target
}

// account tells the metrics and the audit log what came of a request. It is the
// one place that does so, so that no page can be forgotten.
func (c *call) account(begun time.Time) {
	path := "unknown"
	if c.route != nil {
		path = c.route.path
	}
	if observe := c.options.Observe; observe != nil {
		observe("page /"+path, c.r.Method, c.written.Status(), c.now().Sub(begun))
	}
	event := &c.event
	event.Status, event.Remote = c.written.Status(), remote(c.r)
	if event.Action == "" && c.route != nil {
		failed := c.route.acts && event.Status >= http.StatusBadRequest
		if c.r.Method == http.MethodPost && c.route.post != nil || failed {
			event.Action = c.route.action
		}
	}
	if event.Action == "" || event.Action == nothing {
		return
	}
	if event.Actor == (audit.Actor{}) {
		event.Actor = c.caller.Actor()
	}
	if event.Target == (audit.Target{}) {
		event.Target = c.aimedAt()
	}
	if c.options.Attempted != nil && event.Action == actionLogin {
		c.options.Attempted(event.Result())
	}
	c.options.Audit.Record(c.r.Context(), *event)
}

// aimedAt is the target that the path names.
func (c *call) aimedAt() audit.Target {
	target := audit.Target{User: c.names["user"]}
	if name, named := c.names["server"]; named {
		target.Server = &name
	}
	return target
}

// The actions of pages, by the names that they have in the REST API.
const (
	actionLogin  = "login"
	actionLogout = "logout"
	// actionDecline is somebody who stays who they are rather than be somebody else.
	actionDecline = "login.decline"
	actionStart   = "server.start"
	actionStop    = "server.stop"
	actionRemove  = "server.remove"
	actionToken   = "token.create"
	actionRevoke  = "token.revoke"

	actionHandOver = "session.hand_over"
)
