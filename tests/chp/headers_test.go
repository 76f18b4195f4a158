package chp_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// headerChecks are about what goes on to targets, and how.
func headerChecks() []check {
	return []check{
		{name: "headers: who asked", run: func(c *ask) {
			c.add("/forwarded", c.target("forwarded"))
			request := c.seen(c.get("/forwarded", "Host: hub.example:8443"))
			c.equal("for", request.Header.Get("X-Forwarded-For"), "127.0.0.1")
			c.equal("host", request.Header.Get("X-Forwarded-Host"), "hub.example:8443")
			c.equal("port", request.Header.Get("X-Forwarded-Port"), "8443")
			c.equal("proto", request.Header.Get("X-Forwarded-Proto"), "http")
		}},
		{name: "headers: behind a proxy", differs: "`X-Forwarded-Proto` and `-Port` behind a proxy", run: func(c *ask) {
			c.add("/behind", c.target("behind"))
			request := c.seen(c.get("/behind", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Forwarded-Host: hub.example"))
			c.equal("for", strings.ReplaceAll(request.Header.Get("X-Forwarded-For"), " ", ""), "192.0.2.1,127.0.0.1")
			c.equal("host", request.Header.Get("X-Forwarded-Host"), "hub.example")
			c.equal("port", request.Header.Get("X-Forwarded-Port"), "443")
			c.equal("proto", request.Header.Get("X-Forwarded-Proto"), "https")
		}},
		{name: "headers: --no-x-forward", options: []string{"--no-x-forward"}, run: func(c *ask) {
			c.add("/untouched", c.target("untouched"))
			request := c.seen(c.get("/untouched", "X-Forwarded-Proto: mine"))
			c.equal("proto", request.Header.Get("X-Forwarded-Proto"), "mine")
			c.equal("for", request.Header.Values("X-Forwarded-For"), []string(nil))
		}},
		{name: "headers: hop by hop", differs: "Hop-by-hop headers", run: func(c *ask) {
			c.add("/hop", c.target("hop"))
			request := c.seen(c.get("/hop", "Connection: x-secret", "X-Secret: 1", "Proxy-Authorization: Basic x"))
			for _, name := range []string{"X-Secret", "Proxy-Authorization", "Connection"} {
				c.equal(name, request.Header.Values(name), []string(nil))
			}
		}},
		{name: "headers: a body of DELETE in chunks", differs: "Bodies of `DELETE` and `OPTIONS` in chunks", run: func(c *ask) {
			c.add("/chunks", c.target("chunks"))
			for _, method := range []string{"DELETE", "OPTIONS"} {
				connection, err := net.Dial("tcp", c.proxy.address)
				if err != nil {
					c.t.Fatal(err)
				}
				_ = connection.SetDeadline(time.Now().Add(c.patience))
				fmt.Fprintf(connection, "%s /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n", method)
				response, err := http.ReadResponse(bufio.NewReader(connection), nil)
				if err != nil {
					c.failf("%s: %v", method, err)
				} else {
					var text strings.Builder
					_, _ = bufio.NewReader(response.Body).WriteTo(&text)
					_ = response.Body.Close()
					c.equal(method, c.seen(answer{response.StatusCode, response.Header, text.String()}).Body, "body")
				}
				_ = connection.Close()
			}
		}},
		{name: "headers: a connection that has gone stale", differs: "An upstream that has closed an idle connection", run: stale},
		{name: "activity: downloads and messages of the server", differs: "`last_activity` while a server sends", run: sending},
	}
}

// stale is a target that promises to keep connections and does not.
func stale(c *ask) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				if _, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
					fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
					time.Sleep(time.Millisecond)
				}
			}()
		}
	}()
	c.add("/stale", "http://"+listener.Addr().String())
	wrong := 0
	for range 600 {
		if c.get("/stale").Status != http.StatusOK {
			wrong++
		}
		time.Sleep(time.Millisecond)
	}
	c.equal("failures", wrong, 0)
}

// sending is a server that talks to a client that only listens.
func sending(c *ask) {
	more := make(chan struct{})
	c.add("/sending", c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-more
		time.Sleep(5 * time.Millisecond) // times are told in milliseconds
		fmt.Fprint(w, "second")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})))
	response, err := c.client.Get("http://" + c.proxy.address + "/sending")
	if err != nil {
		c.failf("%v", err)
		close(more)
		return
	}
	defer response.Body.Close()
	read := func(n int) {
		if _, err := readFull(response.Body, n); err != nil {
			c.failf("%v", err)
		}
	}
	read(len("first"))
	before := c.activity("/sending")
	close(more)
	read(len("second"))
	if !c.activity("/sending").After(before) {
		c.failf("last_activity has not moved")
	}
}
