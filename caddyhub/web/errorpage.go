package web

import (
	"net/http"
	"strconv"

	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// proxyError answers {hub}error/N: the page for a status, with status 200. A
// proxy shows it in place of an answer that it did not get.
func (c *call) proxyError() error {
	status, err := strconv.Atoi(c.names["status"])
	if err != nil || status < 400 || status > 599 {
		return &failure{status: http.StatusNotFound}
	}
	view := page.Error{Status: status}
	if status == http.StatusServiceUnavailable {
		view.Message = "Your server appears to be down. Try restarting it from the hub"
		view.Links = []page.Link{{Label: "Home", URL: c.hub + "home"}}
	}
	return c.render(http.StatusOK, view)
}
