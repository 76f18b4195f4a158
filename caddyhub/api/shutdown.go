package api

import (
	"encoding/json"
	"net/http"
)

// shutdownEndpoint is of section 1.1.
func (a *API) shutdownEndpoint() endpoint {
	return endpoint{http.MethodPost, "/shutdown", need(onHub, "shutdown"), postShutdown}
}

// postShutdown ends this program. Servers run on unless the caller wants them
// stopped. The proxy cannot be left behind, since it is this program.
func postShutdown(c *call) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	model, is := value.(map[string]any)
	if !is && !empty(value) {
		return badRequest("Invalid JSON data: %s", repr(value))
	}
	proxy, err := switched(model, "proxy", true)
	if err != nil {
		return err
	}
	servers, err := switched(model, "servers", false)
	switch {
	case err != nil:
		return err
	case !proxy:
		return badRequest("The hub is its own proxy, which cannot go on without it")
	case c.options.Shutdown == nil:
		return refuse(http.StatusNotImplemented, "This hub cannot be shut down through its API")
	}
	c.log.WarnContext(c.r.Context(), "shutdown", "servers", servers, "by", c.identity.Name())
	if err := c.json(http.StatusAccepted, map[string]any{"message": "Shutting down Hub"}); err != nil {
		return err
	}
	c.options.Shutdown(servers)
	return nil
}

// switched reads a key that is true or false, for Python also 1 or 0.
func switched(model map[string]any, key string, otherwise bool) (bool, error) {
	value, given := model[key]
	if !given {
		return otherwise, nil
	}
	switch value := value.(type) {
	case bool:
		return value, nil
	case json.Number:
		if value == "0" || value == "1" {
			return value == "1", nil
		}
	}
	return false, badRequest("%s must be true or false, got %s", key, repr(value))
}
