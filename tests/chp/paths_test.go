package chp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"net"
)

// proxyChecks are the tests that configurable-http-proxy has for proxying.
func proxyChecks() []check {
	return []check{
		{name: "proxy: a request is routed and counts as activity", run: func(c *ask) {
			c.add("/web", c.target("web"))
			before := c.activity("/web")
			request := c.seen(c.get("/web/a/b?c=d"))
			c.equal("path", request.Path, "/web/a/b?c=d")
			c.equal("host", request.Host, c.proxy.address)
			if !c.activity("/web").After(before) {
				c.failf("last_activity has not moved")
			}
		}},
		{name: "proxy: a WebSocket is routed and counts as activity", run: func(c *ask) {
			c.add("/socket", c.target("socket"))
			before := c.activity("/socket")
			socket, _ := c.webSocket("/socket/x")
			if socket == nil {
				c.failf("no WebSocket")
				return
			}
			defer socket.CloseNow()
			c.equal("first", c.exchange(socket, ""), "connected")
			time.Sleep(2 * time.Millisecond) // times are told in milliseconds
			c.equal("echo", c.exchange(socket, "hello"), "/socket/x hello")
			if !c.activity("/socket").After(before) {
				c.failf("last_activity has not moved")
			}
		}},
		{name: "proxy: the connection is kept", differs: "`Connection: keep-alive` in answers", run: func(c *ask) {
			c.add("/kept", c.target("kept"))
			c.equal("header", c.get("/kept").Header.Get("Connection"), "")
		}},
		{name: "proxy: path of the target", run: func(c *ask) {
			c.add("/bar", c.target("bar")+"/foo")
			c.equal("path", c.seen(c.get("/bar/rest/of/it")).Path, "/foo/bar/rest/of/it")
			c.equal("query", c.seen(c.get("/bar?query=foo")).Path, "/foo/bar?query=foo")
		}},
		{name: "proxy: query of the target", run: func(c *ask) {
			c.add("/query", c.target("query")+"/foo?a=b")
			c.equal("query", c.seen(c.get("/query/x?c=d")).Path, "/foo/query/x?a=b&c=d")
		}},
		{name: "proxy: escapes go on as they are", run: func(c *ask) {
			c.add("/b@r/b%20r", c.target("escaped")+"/foo")
			for _, path := range []string{"/b%40r/b%20r/rest/of/it", "/b@r/b%20r/rest/of/it"} {
				c.equal(path, c.seen(c.get(path)).Path, "/foo"+path)
			}
		}},
		{name: "proxy: --no-prepend-path", options: []string{"--no-prepend-path"}, run: func(c *ask) {
			c.add("/bar", c.target("bar")+"/foo")
			c.equal("path", c.seen(c.get("/bar/rest/of/it")).Path, "/bar/rest/of/it")
		}},
		{name: "proxy: --no-include-prefix", options: []string{"--no-include-prefix"}, run: func(c *ask) {
			c.add("/bar", c.target("bar")+"/foo")
			c.equal("path", c.seen(c.get("/bar/rest/of/it")).Path, "/foo/rest/of/it")
		}},
		{name: "proxy: neither path nor prefix", options: []string{"--no-include-prefix", "--no-prepend-path"}, run: func(c *ask) {
			c.add("/bar", c.target("bar")+"/foo")
			c.equal("path", c.seen(c.get("/bar/rest/of/it")).Path, "/rest/of/it")
		}},
		{name: "proxy: --host-routing", options: []string{"--host-routing"}, run: func(c *ask) {
			c.add("/test.localhost.example", c.target("host"))
			c.add("/", c.target("root"))
			c.equal("host", c.seen(c.get("/x", "Host: test.localhost.example:8000")).Name, "host")
			c.equal("other", c.seen(c.get("/x", "Host: other.example")).Name, "root")
			c.equal("stored", c.route("/test.localhost.example")["host"], any("test.localhost.example"))
		}},
		{name: "proxy: a failure is no activity", run: func(c *ask) {
			c.add("/missing", c.nobody())
			before := c.activity("/missing")
			c.equal("web", c.get("/missing/prefix").Status, http.StatusServiceUnavailable)
			if socket, status := c.webSocket("/missing/ws"); socket != nil || status != http.StatusServiceUnavailable {
				c.failf("WebSocket: %d", status)
			}
			c.equal("last_activity", c.activity("/missing"), before)
		}},
		{name: "proxy: an answer from 300 on is no activity", run: func(c *ask) {
			c.add("/status", c.target("status"))
			before := c.activity("/status")
			for _, status := range []int{304, 302, 404, 500} {
				c.equal("status", c.get(fmt.Sprintf("/status?status=%d", status)).Status, status)
			}
			c.equal("last_activity", c.activity("/status"), before)
		}},
		{name: "proxy: pages of a server", run: errorTarget},
		{name: "proxy: pages of a folder", run: errorPath},
		{name: "proxy: pages of its own", run: func(c *ask) {
			c.add("/down", c.nobody())
			for path, status := range map[string]int{"/nowhere": http.StatusNotFound, "/down": http.StatusServiceUnavailable} {
				answer := c.get(path)
				c.equal(path, answer.Status, status)
				if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || !strings.Contains(answer.Body, fmt.Sprint(status)) {
					c.failf("%s: %s %q", path, answer.Header.Get("Content-Type"), answer.Body)
				}
			}
		}},
		{name: "proxy: Location is left alone", run: func(c *ask) { c.redirected("/left", func(target string) string { return target }) }},
		{name: "proxy: Location is rewritten", options: []string{"--auto-rewrite", "--protocol-rewrite", "https"}, run: func(c *ask) {
			c.redirected("/rewritten", func(string) string { return "https://" + c.proxy.address })
		}},
		{name: "proxy: the health check", run: func(c *ask) {
			answer := c.get("/_chp_healthz")
			c.equal("status", answer.Status, http.StatusOK)
			c.equal("body", answer.Body, `{"status":"OK"}`)
			c.equal("type", answer.Header.Get("Content-Type"), "application/json")
		}},
		{name: "proxy: a Unix socket is a target", run: unixTarget},
		{name: "proxy: --change-origin", options: []string{"--change-origin"}, run: func(c *ask) {
			target := c.target("origin")
			c.add("/origin", target)
			c.equal("host", c.seen(c.get("/origin")).Host, strings.TrimPrefix(target, "http://"))
		}},
		{name: "proxy: --proxy-timeout", options: []string{"--proxy-timeout", "200"}, run: func(c *ask) {
			c.add("/silent", c.silent())
			c.equal("status", c.get("/silent").Status, http.StatusServiceUnavailable)
		}},
		{name: "proxy: --timeout", options: []string{"--timeout", "200"}, run: func(c *ask) {
			c.add("/silent", c.silent())
			if response, err := c.client.Get("http://" + c.proxy.address + "/silent"); err == nil {
				c.failf("answered %d", response.StatusCode)
				_ = response.Body.Close()
			}
		}},
	}
}

// silent is a target that answers nothing as long as it is asked.
func (a *ask) silent() string {
	return a.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
}

// redirected asks for a redirection of a target to itself and elsewhere.
func (a *ask) redirected(path string, origin func(target string) string) {
	var self string
	self = a.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := self
		if r.URL.Query().Has("elsewhere") {
			to = "http://elsewhere.example"
		}
		http.Redirect(w, r, to+"/whatever", http.StatusMovedPermanently)
	}))
	a.add(path, self)
	a.equal("Location", a.get(path).Header.Get("Location"), origin(self)+"/whatever")
	a.equal("Location elsewhere", a.get(path+"?elsewhere").Header.Get("Location"), "http://elsewhere.example/whatever")
}

func errorTarget(c *ask) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s of %s for %q", r.URL.Path, r.URL.Query().Get("url"), r.Header.Get("Cookie"))
	})
	folder := shortFolder(c.t)
	listener, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		c.t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }() // until Close
	defer server.Close()
	errorTargetAt(c, c.serve(handler)+"/base")
	errorTargetAt(c, "http+unix://"+url.QueryEscape(filepath.Join(folder, "s"))+"/base")
}

func errorTargetAt(c *ask, pages string) {
	p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: []string{"--error-target", pages}})
	defer p.stop()
	inner := newAsk(c.t, p, c.patience)
	defer inner.close()
	inner.add("/down", inner.nobody())
	for path, status := range map[string]int{"/not/found?a=b&c": http.StatusNotFound, "/down/x": http.StatusServiceUnavailable} {
		answer := inner.get(path, "Cookie: secret=1")
		c.equal(path, answer.Status, status)
		c.equal(path, answer.Body, fmt.Sprintf("/base/%d of %s for %q", status, path, ""))
		c.equal(path, answer.Header.Get("Content-Type"), "text/plain; charset=utf-8")
	}
	c.failures = append(c.failures, inner.failures...)
}

func errorPath(c *ask) {
	folder := c.t.TempDir()
	for name, text := range map[string]string{"404.html": "<b>no page</b>", "error.html": "<b>an error</b>"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: []string{"--error-path", folder}})
	defer p.stop()
	inner := newAsk(c.t, p, c.patience)
	defer inner.close()
	inner.add("/down", inner.nobody())
	c.equal("404", inner.get("/x").Body, "<b>no page</b>")
	c.equal("503", inner.get("/down").Body, "<b>an error</b>")
	c.equal("type", inner.get("/down").Header.Get("Content-Type"), "text/html")
	if err := os.Remove(filepath.Join(folder, "error.html")); err != nil {
		c.t.Fatal(err)
	}
	c.equal("no file", inner.get("/down").Body, "Service Unavailable")
	c.failures = append(c.failures, inner.failures...)
}

func unixTarget(c *ask) {
	folder, err := os.MkdirTemp("", "chp") // the path of a socket must be short
	if err != nil {
		c.t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		c.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			echo(w, r)
			return
		}
		fmt.Fprint(w, "socket ", r.RequestURI)
	})}
	go func() { _ = server.Serve(listener) }() // until Close
	defer server.Close()
	c.add("/unix", "http+unix://"+url.QueryEscape(socket))
	c.equal("body", c.get("/unix/x").Body, "socket /unix/x")
	if conn, status := c.webSocket("/unix/ws"); conn == nil {
		c.failf("WebSocket: %d", status)
	} else {
		defer conn.CloseNow()
		c.equal("WebSocket", c.exchange(conn, ""), "connected")
	}
}
