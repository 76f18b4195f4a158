package chp_test

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// defectChecks are about what configurable-http-proxy does wrong.
func defectChecks() []check {
	return []check{
		{name: "defect: DELETE without a path is answered", differs: "`DELETE /api/routes`", fresh: true, run: func(c *ask) {
			c.add("/", "http://127.0.0.1:9")
			c.equal("status", c.api(http.MethodDelete, "", "").Status, http.StatusNoContent)
			c.equal("again", c.api(http.MethodDelete, "", "").Status, http.StatusNotFound)
		}},
		{name: "defect: a malformed path of the API is answered", differs: "A malformed escape in a path of the API", run: func(c *ask) {
			status, _ := c.rawAPI("GET /api/routes/%zz HTTP/1.1\r\nHost: h\r\nAuthorization: token " + token + "\r\n\r\n")
			c.equal("status", status, http.StatusBadRequest)
		}},
		{name: "defect: a malformed path", differs: "A malformed escape in a request", run: func(c *ask) {
			status, _ := c.raw("GET /% HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			c.equal("status", status, http.StatusBadRequest)
		}},
		{name: "defect: names that JavaScript has", differs: "Paths such as `/constructor` and `/toString`", run: func(c *ask) {
			for _, name := range []string{"/constructor", "/toString", "/__proto__", "/valueOf"} {
				c.equal(name, c.get(name+"/x").Status, http.StatusNotFound)
			}
			c.add("/constructor", c.target("constructor"))
			c.equal("as a route", c.seen(c.get("/constructor/x")).Name, "constructor")
		}},
		{name: "defect: the body is read before the token", differs: "A body that is no JSON, without the token", run: func(c *ask) {
			answer := c.do(http.MethodPost, "http://"+c.proxy.api+"/api/routes/x", "no JSON")
			c.equal("status", answer.Status, http.StatusForbidden)
		}},
		{name: "defect: something before the token", differs: "`Authorization: anything token TOKEN`", run: func(c *ask) {
			answer := c.do(http.MethodGet, "http://"+c.proxy.api+"/api/routes", "", "Authorization: foo token "+token)
			c.equal("status", answer.Status, http.StatusForbidden)
		}},
		{name: "defect: targets that cannot be reached", differs: "Targets that are no URL, or of another scheme", run: func(c *ask) {
			for _, target := range []string{"not a url", "ftp://x", "http://", "http://user:password@h/"} {
				c.equal(target, c.api(http.MethodPost, "/defect", `{"target":"`+target+`"}`).Status, http.StatusBadRequest)
			}
		}},
		{name: "defect: targets that are the machine's credentials", differs: "Targets where a cloud tells a machine its credentials (169.254.169.254 and those like it)", run: func(c *ask) {
			for _, target := range []string{"http://169.254.169.254", "http://169.254.170.2:80/x", "http://[fd00:ec2::254]/"} {
				c.equal(target, c.api(http.MethodPost, "/defect", `{"target":"`+target+`"}`).Status, http.StatusBadRequest)
			}
		}},
		{name: "defect: bodies without an end", differs: "Bodies of the API over 1 MiB", run: func(c *ask) {
			c.equal("status", c.api(http.MethodPost, "/defect", `{"target":"http://127.0.0.1:9","x":"`+strings.Repeat("x", 2<<20)+`"}`).Status, http.StatusRequestEntityTooLarge)
		}},
		{name: "defect: case of hosts", differs: "Case of the host with `--host-routing`", options: []string{"--host-routing"}, run: func(c *ask) {
			c.add("/Upper.Example", c.target("upper"))
			c.equal("lower", c.seen(c.get("/x", "Host: upper.example")).Name, "upper")
			c.equal("upper", c.seen(c.get("/x", "Host: UPPER.EXAMPLE")).Name, "upper")
		}},
		{name: "defect: IPv6 hosts", differs: "IPv6 addresses with `--host-routing`", options: []string{"--host-routing"}, run: func(c *ask) {
			c.add("/%5B::1%5D", c.target("six"))
			c.equal("routed", c.seen(c.get("/x", "Host: [::1]:8000")).Name, "six")
		}},
		{name: "defect: the prefix as it is written", differs: "`--no-include-prefix` with escapes", options: []string{"--no-include-prefix"}, run: func(c *ask) {
			c.add("/b@r", c.target("bar"))
			c.equal("path", c.seen(c.get("/b%40r/x")).Path, "/x")
		}},
		{name: "defect: the prefix of a host", differs: "`--no-include-prefix` with `--host-routing`", options: []string{"--no-include-prefix", "--host-routing"}, run: func(c *ask) {
			c.add("/foo.example", c.target("foo"))
			c.equal("path", c.seen(c.get("/some/longer/path", "Host: foo.example")).Path, "/some/longer/path")
		}},
		{name: "defect: encoded slashes separate nothing", differs: "Encoded slashes in requests", run: func(c *ask) {
			c.add("/enc/slash", c.target("slash"))
			c.equal("status", c.get("/enc%2Fslash/1").Status, http.StatusNotFound)
		}},
		{name: "defect: dot segments", differs: "Dot segments, backslashes and control characters in requests", run: func(c *ask) {
			c.add("/dots", c.target("dots"))
			for _, path := range []string{"/nothing/../dots/x", "/dots/%2e%2e/x", "/dots/.%2E;a/x", "/dots\\x", "/dots/%5cx", "/dots/%00"} {
				status, _ := c.raw("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
				c.equal(path, status, http.StatusBadRequest)
			}
		}},
		{name: "defect: two slashes are no host", differs: "Two slashes in front of a request", run: func(c *ask) {
			c.add("/slashes", c.target("slashes"))
			status, _ := c.raw("GET //elsewhere/slashes/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			c.equal("status", status, http.StatusNotFound)
		}},
		{name: "defect: other upgrades are answered", differs: "Upgrades to something other than a WebSocket", run: func(c *ask) {
			c.add("/upgrade", c.target("upgrade"))
			status, _ := c.raw("GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: something\r\n\r\n")
			if status == 0 {
				c.failf("no answer")
			}
		}},
		{name: "defect: an API without a token", differs: "No token", run: func(c *ask) {
			p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), environment: []string{"CONFIGPROXY_AUTH_TOKEN="}})
			defer p.stop()
			address := "http://" + p.api + "/api/routes"
			c.equal("a program", c.do(http.MethodGet, address, "").Status, http.StatusOK)
			c.equal("a page", c.do(http.MethodGet, address, "", "Origin: http://evil.example").Status, http.StatusForbidden)
			c.equal("another name", c.do(http.MethodGet, address, "", "Host: rebound.example").Status, http.StatusForbidden)
			p.waitFor("REST API is not authenticated.")
		}},
		{name: "defect: --insecure", differs: "`--insecure`", options: []string{"--insecure"}, run: func(c *ask) {
			c.add("/secure", c.secure())
			c.equal("status", c.get("/secure").Status, http.StatusOK)
		}},
		{name: "proxy: certificates of targets are verified", run: func(c *ask) {
			c.add("/unknown", c.secure())
			c.equal("status", c.get("/unknown").Status, http.StatusServiceUnavailable)
		}},
		{name: "defect: metrics of the process", differs: "Metrics", run: func(c *ask) {
			port := strconv.Itoa(hubtest.FreePort(c.t))
			p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: []string{"--metrics-ip", "127.0.0.1", "--metrics-port", port}})
			defer p.stop()
			hubtest.Eventually(c.t, "metrics", func() bool { return listens(net.JoinHostPort("127.0.0.1", port)) })
			if !strings.Contains(c.do(http.MethodGet, "http://127.0.0.1:"+port+"/metrics", "").Body, "go_goroutines") {
				c.failf("no go_goroutines")
			}
		}},
		{name: "defect: a route of empty segments", differs: "Routes with empty or dot segments, or of more than 16 segments", run: func(c *ask) {
			for _, path := range []string{"/dbl//x", "/x/%2e%2e/y", strings.Repeat("/x", 17)} {
				c.equal(path, c.api(http.MethodPost, path, `{"target":"http://127.0.0.1:9"}`).Status, http.StatusBadRequest)
			}
		}},
	}
}
