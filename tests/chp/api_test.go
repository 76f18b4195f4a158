package chp_test

import (
	"net/http"
	"net/url"
	"time"
)

// apiChecks are the tests that configurable-http-proxy has for its REST API.
func apiChecks() []check {
	const fallback = "http://127.0.0.1:9"
	withDefault := []string{"--default-target", fallback}
	return []check{
		{name: "api: the default target is the root, and alone at the start", options: withDefault, fresh: true, run: func(c *ask) {
			table := c.routes("")
			c.equal("routes", len(table), 1)
			c.equal("target", table["/"]["target"], any(fallback))
		}},
		{name: "api: the default target serves any address", run: func(c *ask) {
			c.add("/", c.target("default"))
			c.equal("/", c.seen(c.get("/")).Name, "default")
			c.equal("/any", c.seen(c.get("/any/thing?x=1")).Path, "/any/thing?x=1")
			c.api(http.MethodDelete, "/", "")
		}},
		{name: "api: one route", run: func(c *ask) {
			c.add("/api/one", fallback)
			answer := c.api(http.MethodGet, "/api/one", "")
			c.equal("status", answer.Status, http.StatusOK)
			c.equal("type", answer.Header.Get("Content-Type"), "application/json")
			c.equal("target", c.route("/api/one")["target"], any(fallback))
		}},
		{name: "api: a route that is not there", run: func(c *ask) {
			answer := c.api(http.MethodGet, "/api/none", "")
			c.equal("status", answer.Status, http.StatusNotFound)
			c.equal("body", answer.Body, "")
		}},
		{name: "api: POST makes a route", run: func(c *ask) {
			answer := c.api(http.MethodPost, "/api/made", `{"target":"`+fallback+`"}`)
			c.equal("status", answer.Status, http.StatusCreated)
			c.equal("body", answer.Body, "")
			c.equal("target", c.route("/api/made")["target"], any(fallback))
			if since := time.Since(c.activity("/api/made")); since > time.Minute {
				c.failf("last_activity is %v ago", since)
			}
		}},
		{name: "api: a path is decoded", run: func(c *ask) {
			target := c.target("foo@bar")
			c.add("/user/foo%40bar", target)
			c.equal("target", c.routes("")["/user/foo@bar"]["target"], any(target))
			c.equal("routed", c.seen(c.get("/user/foo@bar/path")).Name, "foo@bar")
		}},
		{name: "api: POST without a path replaces the root", fresh: true, options: withDefault, run: func(c *ask) {
			c.add("", "http://127.0.0.1:10")
			table := c.routes("")
			c.equal("routes", len(table), 1)
			c.equal("target", table["/"]["target"], any("http://127.0.0.1:10"))
		}},
		{name: "api: DELETE", run: func(c *ask) {
			c.add("/api/gone", fallback)
			answer := c.api(http.MethodDelete, "/api/gone", "")
			c.equal("status", answer.Status, http.StatusNoContent)
			c.equal("body", answer.Body, "")
			c.equal("route", c.route("/api/gone"), map[string]any(nil))
			c.equal("again", c.api(http.MethodDelete, "/api/gone", "").Status, http.StatusNotFound)
		}},
		{name: "api: a time that is none", run: func(c *ask) {
			answer := c.api(http.MethodGet, "?inactiveSince=endoftheuniverse", "")
			c.equal("status", answer.Status, http.StatusBadRequest)
			c.equal("body", answer.Body, "Invalid datestamp 'endoftheuniverse' must be ISO8601.")
		}},
		{name: "api: routes that were not used since", run: inactive},
		{name: "api: what comes with a route is kept", run: func(c *ask) {
			c.api(http.MethodPost, "/api/data", `{"target":"`+fallback+`","jupyterhub":true,"user":"a","server_name":"","x":{"y":[1,null]},"last_activity":"never"}`)
			route := c.route("/api/data")
			delete(route, "last_activity")
			c.equal("route", route, map[string]any{
				"target": fallback, "jupyterhub": true, "user": "a", "server_name": "", "x": map[string]any{"y": []any{1.0, nil}},
			})
		}},
		{name: "api: refusals", run: refusals},
		{name: "api: the token", run: func(c *ask) {
			for _, header := range []string{"Authorization: token wrong", "Authorization: Bearer " + token, "Authorization: ", "X: y"} {
				answer := c.do(http.MethodGet, "http://"+c.proxy.api+"/api/routes", "", header)
				c.equal(header, answer.Status, http.StatusForbidden)
				c.equal(header, answer.Body, "")
			}
		}},
	}
}

func inactive(c *ask) {
	c.add("/api/used", "http://127.0.0.1:9")
	names := func(since time.Time) int {
		n := 0
		for name := range c.routes("?inactiveSince=" + url.QueryEscape(since.UTC().Format(time.RFC3339))) {
			if name == "/api/used" {
				n++
			}
		}
		return n
	}
	now := time.Now()
	c.equal("long ago", names(now.Add(-24*time.Hour)), 0)
	c.equal("an hour ago", names(now.Add(-time.Hour)), 0)
	c.equal("in the future", names(now.Add(24*time.Hour)), 1)
	c.equal("by the other name", len(c.routes("?inactive_since=1999-01-01")), 0)
}

func refusals(c *ask) {
	for body, want := range map[string]string{
		`{}`: "Must specify 'target' as string", `{"target":5}`: "Must specify 'target' as string", `[]`: "Must specify 'target' as string", `null`: "Must specify 'target' as string",
	} {
		answer := c.api(http.MethodPost, "/api/bad", body)
		c.equal(body, answer.Status, http.StatusBadRequest)
		c.equal(body, answer.Body, want)
	}
	answer := c.api(http.MethodPost, "/api/bad", `{"target`)
	c.equal("no JSON", answer.Status, http.StatusBadRequest)
	if len(answer.Body) < 20 || answer.Body[:20] != "Body not valid JSON:" {
		c.failf("no JSON: %q", answer.Body)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodOptions} {
		answer := c.api(method, "/api/bad", "{}")
		c.equal(method, answer.Status, http.StatusMethodNotAllowed)
		c.equal(method, answer.Body, "Method not supported")
	}
	for _, path := range []string{"/", "/api", "/api/", "/api/routesx"} {
		answer := c.do(http.MethodGet, "http://"+c.proxy.api+path, "", "Authorization: token "+token)
		c.equal(path, answer.Status, http.StatusNotFound)
		c.equal(path, answer.Body, "Not Found")
	}
}
