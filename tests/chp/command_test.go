package chp_test

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// commandChecks are the tests that configurable-http-proxy has for its command
// line.
func commandChecks() []check {
	return []check{
		{name: "command: custom headers", options: []string{"--custom-header", "k1: v1", "--custom-header", " k2 : host:123 "}, run: func(c *ask) {
			c.add("/custom", c.target("custom"))
			request := c.seen(c.get("/custom", "K1: mine"))
			c.equal("k1", request.Header.Values("K1"), []string{"v1"})
			c.equal("k2", request.Header.Values("K2"), []string{"host:123"})
		}},
		{name: "command: a custom header without a colon", run: func(c *ask) {
			output, code := c.fails("--custom-header", "invalid")
			c.equal("code", code, 1)
			if !strings.Contains(output, "A colon was expected in custom header: invalid") {
				c.failf("output: %s", output)
			}
		}},
		{name: "command: redirection without certificates", run: func(c *ask) {
			output, code := c.fails("--redirect-port", "1")
			c.equal("code", code, 1)
			if !strings.Contains(output, "HTTPS redirection specified but certificates not provided.") {
				c.failf("output: %s", output)
			}
		}},
		{name: "command: two kinds of pages", run: func(c *ask) {
			output, code := c.fails("--error-target", "http://h", "--error-path", "/x")
			c.equal("code", code, 1)
			if !strings.Contains(output, "Cannot specify both error-target and error-path. Pick one.") {
				c.failf("output: %s", output)
			}
		}},
		{name: "command: what is no option", run: func(c *ask) {
			for _, argument := range []string{"--no-such-option", "stray", "--port"} {
				output, code := c.fails(argument)
				c.equal(argument, code, 1)
				if !strings.Contains(output, "error: ") {
					c.failf("%s: output %q", argument, output)
				}
			}
		}},
		{name: "command: a socket and a port", run: func(c *ask) {
			output, code := c.fails("--socket", "/none/p")
			c.equal("code", code, 1)
			if !strings.Contains(output, "--socket") || !strings.Contains(output, "cannot be used with") {
				c.failf("output: %s", output)
			}
		}},
		{name: "command: help", run: func(c *ask) {
			for _, option := range []string{"--help", "-h"} {
				output, err := c.command(option).Output()
				if err != nil {
					c.failf("%s: %v", option, err)
				}
				for _, name := range []string{"--ip ", "--error-target ", "--custom-header ", "--keep-alive-timeout ", "-V, --version ", "-h, --help "} {
					if !strings.Contains(string(output), name) {
						c.failf("%s does not tell of %s", option, name)
					}
				}
			}
		}},
		{name: "command: where requests go is logged", options: []string{"--log-level", "debug"}, run: func(c *ask) {
			target := c.target("debug")
			c.add("/debug", target)
			c.get("/debug/a%2Fb?secret=1")
			c.logs("debug: PROXY WEB /debug/a%2Fb to " + target)
			if socket, _ := c.webSocket("/debug/ws"); socket != nil {
				_ = socket.CloseNow()
			}
			c.logs("debug: PROXY WS /debug/ws to " + target)
			if strings.Contains(c.proxy.log.String(), "secret") {
				c.failf("a query is logged")
			}
		}},
		{name: "command: the version", run: func(c *ask) {
			for _, option := range []string{"--version", "-V"} {
				output, err := c.command(option).Output()
				if err != nil || strings.TrimSpace(string(output)) != "5.3.0" {
					c.failf("%s: %s, %v", option, output, err)
				}
			}
		}},
		{name: "command: lines that are waited for", options: []string{"--default-target", "http://127.0.0.1:9"}, run: func(c *ask) {
			c.logs("[ConfigProxy] info: Proxying http://")
			c.logs("[ConfigProxy] info: Proxy API at http://")
			c.logs("[ConfigProxy] info: Route added / -> http://127.0.0.1:9")
		}},
		{name: "command: the order of address and port", differs: "The line `Proxying …`", options: []string{"--default-target", "http://127.0.0.1:9"}, run: func(c *ask) {
			c.logs("Proxying http://")
			if !strings.Contains(c.proxy.log.String(), "Proxying http://"+c.proxy.address+" to http://127.0.0.1:9\n") {
				c.failf("%s", c.proxy.log)
			}
		}},
		{name: "command: changes are logged", run: func(c *ask) {
			c.add("/logged", "http://127.0.0.1:9")
			c.api(http.MethodDelete, "/logged", "")
			for _, line := range []string{
				"info: Adding route /logged -> http://127.0.0.1:9", "info: Route added /logged -> http://127.0.0.1:9", "info: Removing route /logged",
				"info: 201 POST /api/routes/logged", "info: 204 DELETE /api/routes/logged",
			} {
				c.logs(line)
			}
		}},
		{name: "command: HTTPS, and redirection to it", options: tlsOptions(), run: redirection},
		{name: "command: metrics", run: metrics},
		{name: "command: the PID file", run: pidFile},
	}
}

// command runs the program of the proxy with options.
func (a *ask) command(options ...string) *exec.Cmd {
	program := a.proxy.program()
	command := exec.CommandContext(a.t.Context(), program[0], append(program[1:len(program):len(program)], options...)...)
	command.Env, command.Dir = a.proxy.command.Env, a.proxy.folder
	return command
}

// fails runs the program until it ends.
func (a *ask) fails(options ...string) (output string, code int) {
	ports := []string{"--ip", "127.0.0.1", "--port", strconv.Itoa(hubtest.FreePort(a.t)), "--api-port", strconv.Itoa(hubtest.FreePort(a.t))}
	command := a.command(append(ports, options...)...)
	var text strings.Builder
	command.Stdout, command.Stderr = &text, &text
	if err := command.Start(); err != nil {
		a.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // the code is looked at
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(usualPatience):
		_ = command.Process.Kill()
		<-ended
	}
	return text.String(), command.ProcessState.ExitCode()
}

func redirection(c *ask) {
	from, to := hubtest.FreePort(c.t), hubtest.FreePort(c.t)
	for _, test := range []struct {
		options []string
		port    func(p *proxy) int
	}{
		{nil, func(p *proxy) int { return p.port }},
		{[]string{"--redirect-to", strconv.Itoa(to)}, func(*proxy) int { return to }},
	} {
		options := append(append(tlsOptions(), "--redirect-port", strconv.Itoa(from)), test.options...)
		p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: options})
		p.waitFor("Added HTTP to HTTPS redirection from " + strconv.Itoa(from))
		inner := newAsk(c.t, p, c.patience)
		answer := inner.do(http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(from)+"/a%2Fb?c=d", "")
		inner.equal("status", answer.Status, http.StatusMovedPermanently)
		inner.equal("Location", answer.Header.Get("Location"), "https://127.0.0.1:"+strconv.Itoa(test.port(p))+"/a%2Fb?c=d")
		inner.add("/tls", inner.target("tls"))
		request := inner.seen(inner.do(http.MethodGet, "https://"+p.address+"/tls", ""))
		inner.equal("over TLS", request.Name, "tls")
		inner.equal("X-Forwarded-Proto", request.Header.Get("X-Forwarded-Proto"), "https")
		c.failures = append(c.failures, inner.failures...)
		inner.close()
		p.stop()
	}
}

func metrics(c *ask) {
	port := strconv.Itoa(hubtest.FreePort(c.t))
	p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: []string{"--metrics-ip", "127.0.0.1", "--metrics-port", port}})
	defer p.stop()
	inner := newAsk(c.t, p, c.patience)
	defer inner.close()
	inner.add("/counted", inner.target("counted"))
	inner.get("/counted")
	inner.routes("")
	inner.api(http.MethodDelete, "/counted", "")
	hubtest.Eventually(c.t, "metrics", func() bool { return listens(net.JoinHostPort("127.0.0.1", port)) })
	answer := inner.do(http.MethodGet, "http://127.0.0.1:"+port+"/metrics", "")
	for _, line := range []string{
		"api_route_get 1", "api_route_add 1", "api_route_delete 1", "requests_web 1", `requests_proxy{status="200"} 1`,
		`requests_api{status="201"} 1`, "requests_ws 0", "find_target_for_req_count 1", "# TYPE process_cpu_seconds_total counter",
	} {
		if !strings.Contains(answer.Body, line) {
			inner.failf("no %s in metrics", line)
		}
	}
	inner.equal("elsewhere", inner.do(http.MethodGet, "http://127.0.0.1:"+port+"/x", "").Status, http.StatusNotFound)
	c.failures = append(c.failures, inner.failures...)
}

// readFull reads so many bytes.
func readFull(r io.Reader, n int) (string, error) {
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	return string(text), err
}
