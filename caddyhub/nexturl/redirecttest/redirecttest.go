// Package redirecttest is for tests of whatever sends a browser where a request
// says. It has one list of targets that lead away from a site, or could, and finds
// out as a browser does where an answer leads.
//
// A place that redirects is added to a test by a Place: how to ask it, and a
// target of the site's own that it accepts, so that a place which redirects
// nowhere is found too.
package redirecttest

import (
	"strings"
	"testing"
)

// Evil is the host that the targets lead to.
const Evil = "evil.example"

// Place is one that redirects to what a request says.
type Place struct {
	// Name of the place in messages.
	Name string
	// Accepts is a target that it redirects to; empty if it takes none as it is.
	Accepts string
	// Ask sends a request with a target and returns where the answer leads: the
	// header Location, or the address of a form or link. Empty: nowhere.
	Ask func(t *testing.T, target string) string
}

// Check asks every place for every target, and for the one that it accepts. No
// answer may lead from origin ("https://hub.example.org") to another.
func Check(t *testing.T, origin string, places ...Place) {
	t.Helper()
	for _, place := range places {
		t.Run(place.Name, func(t *testing.T) {
			if place.Accepts != "" {
				if location := place.Ask(t, place.Accepts); !strings.HasSuffix(location, place.Accepts) {
					t.Errorf("%q leads to %q: this place redirects nowhere, so it proves nothing", place.Accepts, location)
				}
			}
			for _, target := range Targets() {
				if location := place.Ask(t, target); location != "" {
					if got := Origin(origin, location); got != origin {
						t.Errorf("%q: %q leads to %s", target, location, got)
					}
				}
			}
		})
	}
}

// Targets are texts that lead to Evil for some reader, or run a script.
func Targets() []string {
	targets := []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "javascript://hub/%0aalert(1)",
		"data:text/html,<script>alert(1)</script>", "vbscript:x", "ftp://" + Evil, "file:///etc/passwd", "about:blank",
		"/\r\nLocation: https://" + Evil, "/%0d%0aLocation:%20https://" + Evil, "/\u560d\u560aLocation: https://" + Evil,
		"https:" + Evil, "https:/" + Evil, "http:" + Evil + "/x",
		"/" + strings.Repeat("a/../", 500) + "/" + Evil,
	}
	for _, slashes := range []string{
		"//", "///", "////", `\\`, `/\`, `\/`, `/\/`, `\/\/`, `//\`, "/\t/", "/\n/", "/\r\n/", "\t//", " //", "\u00a0//", "/ /", "/\x00/", "/\v/",
		"/%09/", "/%0a/", "/%5c", "/%5C/", "/%2f", "/%2F/", "%2f%2f", "/%252f", "/.//", "/..//", "/./\\", "/%2e//", "/%2e%2e//", "/x/..//", "/;//", "/..;//",
		"http://", "https://", "HTTPS://", "https:///", "https:////", `https:\\`, `http:/\`, `https:\/`, "https:// ", "https://\t", "https://%20",
		"／／", "⁄⁄", "∕∕", "⧸⧸", "//／", "。//", "https://user@", "https://user:word@", "//@", "//:@", "//x@", `//x\@`, "https://[::1]@", "https://localhost@", "https://localhost:80@", "https://localhost%2e", "https://localhost.", `https://localhost\.`, "https://localhost#@", "https://localhost?@", "/https://", "x//", "?//", "#//",
	} {
		targets = append(targets, slashes+Evil, slashes+Evil+"/%2e%2e", slashes+Evil+"/hub/home")
	}
	return targets
}
