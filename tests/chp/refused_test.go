package chp_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestRefusedUpgrades: an upgrade that is refused is answered, and its connection
// closed, whoever refuses it and why.
func TestRefusedUpgrades(t *testing.T) {
	t.Parallel()
	upgrade := func(path, host string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rand.Text()[:22] + "==\r\n\r\n"
	}
	for _, options := range [][]string{nil, {"--host-routing"}, {"--timeout", "5000", "--proxy-timeout", "5000"}, {"--metrics-ip", "127.0.0.1", "--metrics-port", "0"}} {
		for i, option := range options {
			if option == "0" {
				options[i] = port(t)
			}
		}
		p := start(t, launch{program: program(), options: options})
		with(t, p, func(c *ask) {
			prefix := ""
			if len(options) == 1 {
				prefix = "/h"
			}
			c.add(prefix+"/down", c.nobody())
			c.add(prefix+"/no", c.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })))
			c.add(prefix+"/yes", c.serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			c.add(prefix+"/cut", c.serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
			for path, want := range map[string]int{
				"/none": http.StatusNotFound, "/%": http.StatusBadRequest, "/x/../y": http.StatusBadRequest, "/down": http.StatusServiceUnavailable,
				"/cut": http.StatusServiceUnavailable, "/no": http.StatusForbidden, "/yes": http.StatusOK,
			} {
				status, closed := c.raw(upgrade(path, "h"))
				c.equal(path, status, want)
				c.equal(path+" is closed", closed, true)
			}
		})
	}
}

// port is a free one, as text.
func port(t *testing.T) string { return fmt.Sprint(hubtest.FreePort(t)) }
