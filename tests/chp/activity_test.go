package chp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// unusedSince are the routes that the API says were not used since a time.
func unusedSince(c *ask, since time.Time) map[string]map[string]any {
	return c.routes("?inactiveSince=" + url.QueryEscape(since.Format(time.RFC3339Nano)))
}

// TestActivityShared: whoever asks one proxy is told what all have seen, and what
// was told outlives all of them.
func TestActivityShared(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	l := launch{program: program(), options: []string{"--store", server.URL()}}
	first, second := start(t, l), start(t, l)
	var used time.Time
	with(t, first, func(c *ask) {
		upstream := c.target("upstream")
		c.add("/used", upstream)
		c.add("/idle", upstream)
		added := c.activity("/used")
		c.equal("request", c.get("/used/x").Status, http.StatusOK)
		if used = c.activity("/used"); !used.After(added) {
			t.Errorf("used at %v, added at %v", used, added)
		}
	})
	with(t, second, func(c *ask) {
		begun := time.Now()
		hubtest.Eventually(t, "activity on the other", func() bool { return c.activity("/used").Equal(used) })
		t.Logf("the other proxy reported the activity after %v", time.Since(begun))
		unused := unusedSince(c, used)
		if _, idle := unused["/idle"]; !idle || len(unused) != 1 {
			t.Errorf("not used since: %v", unused)
		}
	})
	first.end(syscall.SIGKILL)
	second.end(syscall.SIGKILL)
	with(t, start(t, l), func(c *ask) {
		c.equal("after the death of all", c.activity("/used"), used)
		// A deleted route that comes back has not been used.
		c.equal("deleted", c.api(http.MethodDelete, "/used", "").Status, http.StatusNoContent)
		c.add("/used", "http://127.0.0.1:9")
		if again := c.activity("/used"); time.Since(again) > time.Minute || !again.After(used) {
			t.Errorf("added again, used at %v", again)
		}
	})
}

// TestActivityKept: a proxy that is stopped has written all, also in a file.
func TestActivityKept(t *testing.T) {
	t.Parallel()
	l := launch{program: program(), folder: t.TempDir(), port: hubtest.FreePort(t), apiPort: hubtest.FreePort(t)}
	p := start(t, l)
	const routes = 300
	used := make(map[string]any)
	with(t, p, func(c *ask) {
		upstream := c.target("upstream")
		for i := range routes {
			c.add(fmt.Sprintf("/user/%d", i), upstream)
		}
		for i := range routes {
			c.get(fmt.Sprintf("/user/%d/x", i))
		}
		for path, route := range c.routes("") {
			used[path] = route["last_activity"]
		}
	})
	p.end(syscall.SIGTERM)
	with(t, start(t, l), func(c *ask) {
		kept := c.routes("")
		c.equal("routes", len(kept), routes)
		for path, route := range kept {
			c.equal(path, route["last_activity"], used[path])
		}
	})
}
