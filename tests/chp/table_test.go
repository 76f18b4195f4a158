package chp_test

import "net/http"

// tableChecks are the tests that configurable-http-proxy has for its store and its
// tree of paths, by what they mean for routing.
func tableChecks() []check {
	return []check{
		{name: "table: the longest prefix", fresh: true, run: func(c *ask) {
			for _, path := range []string{"/1", "/2", "/a/b/c/d", "/a/b/d", "/a/b/e", "/b", "/b/c", "/b/c/d"} {
				c.add(path, c.target(path))
			}
			for path, want := range map[string]string{
				"/1/etc/etc/": "/1", "/a/b/c/d/e/f": "/a/b/c/d", "/b/c/d/word": "/b/c/d", "/b/c/dword": "/b/c", "/b/c/": "/b/c", "/b": "/b",
			} {
				c.equal(path, c.seen(c.get(path)).Name, want)
			}
			for _, path := range []string{"/not/found", "/a", "/a/b/c", "/10", "/"} {
				c.equal(path, c.get(path).Status, http.StatusNotFound)
			}
			c.api(http.MethodDelete, "/b", "")
			c.equal("below what was removed", c.seen(c.get("/b/c/x")).Name, "/b/c")
			c.equal("what was removed", c.get("/b/x").Status, http.StatusNotFound)
			c.api(http.MethodDelete, "/b/c/d", "")
			c.equal("above what was removed", c.seen(c.get("/b/c/d/word")).Name, "/b/c")
		}},
		{name: "table: a route captures nothing above it", fresh: true, run: func(c *ask) {
			c.add("/", c.target("root"))
			c.add("/prefix/sub/tree", c.target("tree"))
			for path, want := range map[string]string{"/prefix": "root", "/prefix/sub": "root", "/prefix/sub/tree": "tree", "/prefix/sub/treehouse": "root"} {
				c.equal(path, c.seen(c.get(path)).Name, want)
			}
			c.api(http.MethodDelete, "/prefix/sub/tree/", "")
			c.equal("removed", c.seen(c.get("/prefix/sub/tree")).Name, "root")
			c.equal("the root can go", c.api(http.MethodDelete, "/", "").Status, http.StatusNoContent)
			c.equal("nothing is left", c.get("/x").Status, http.StatusNotFound)
			c.equal("routes", len(c.routes("")), 0)
		}},
		{name: "table: a route is replaced", run: func(c *ask) {
			c.add("/replaced", c.target("first"))
			c.add("/replaced/", c.target("second"))
			c.equal("target", c.seen(c.get("/replaced/x")).Name, "second")
			if _, ok := c.routes("")["/replaced/"]; ok {
				c.failf("there are two")
			}
		}},
		{name: "table: slashes at the ends", run: func(c *ask) {
			c.add("/ends/", c.target("ends"))
			for _, path := range []string{"/ends", "/ends/", "/ends/x/"} {
				c.equal(path, c.seen(c.get(path)).Path, path)
			}
		}},
		{name: "table: case counts", run: func(c *ask) {
			c.add("/Case", c.target("case"))
			c.equal("other case", c.get("/case").Status, http.StatusNotFound)
		}},
		{name: "table: names that are not ASCII", run: func(c *ask) {
			c.add("/user/%C3%BC%20%E2%98%83", c.target("snowman"))
			c.equal("routed", c.seen(c.get("/user/%C3%BC%20%E2%98%83/x")).Name, "snowman")
			if c.routes("")["/user/ü ☃"] == nil {
				c.failf("not in the table by its name")
			}
		}},
	}
}
