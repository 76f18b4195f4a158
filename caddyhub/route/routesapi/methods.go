package routesapi

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// get answers with one route, or with all or those long unused.
func (c *call) get() {
	if c.rest != "" && c.rest != "/" {
		c.getOne()
		return
	}
	query := c.r.URL.Query()
	text := cmp.Or(query.Get("inactiveSince"), query.Get("inactive_since"))
	var since time.Time
	if text != "" {
		var ok bool
		if since, ok = parseTime(text); !ok {
			c.fail(http.StatusBadRequest, fmt.Sprintf("Invalid datestamp '%s' must be ISO8601.", text))
			return
		}
	}
	c.list(since)
	if c.api.options.Metrics != nil {
		c.api.options.Metrics.RoutesListed()
	}
}

func (c *call) getOne() {
	spec, err := c.api.specOf(c.rest)
	if err != nil {
		c.empty(http.StatusNotFound) // no route can have this path
		return
	}
	found, ok := c.routes.Table().Get(spec)
	if !ok {
		c.empty(http.StatusNotFound)
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(appendRoute(nil, found, found.Activity().Last()))
}

// post adds a route, or replaces it.
func (c *call) post() {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			c.fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is larger than %d bytes", maxBody))
			return
		}
		c.fail(http.StatusBadRequest, "The body broke off")
		return
	}
	target, data, err := parseBody(body)
	if err != nil {
		c.fail(http.StatusBadRequest, err.Error())
		return
	}
	spec, err := c.api.specOf(c.rest)
	if err != nil {
		c.fail(http.StatusBadRequest, err.Error())
		return
	}
	if spec.Host() != "" {
		data.Extra = withHost(data.Extra, spec.Host())
	}
	path := pathOf(spec)
	c.tell("Adding route %s -> %s", path, target)
	added := route.Route{Spec: spec, Target: target, Data: data, Added: c.api.now().UTC().Truncate(time.Millisecond)}
	if err := c.routes.Put(c.r.Context(), added); err != nil {
		c.refuse(err)
		return
	}
	c.tell("Route added %s -> %s", path, target)
	c.empty(http.StatusCreated)
	if c.api.options.Metrics != nil {
		c.api.options.Metrics.RouteAdded()
	}
}

// delete takes a route away.
func (c *call) delete() {
	if c.api.options.Metrics != nil {
		defer c.api.options.Metrics.RouteDeleted()
	}
	spec, err := c.api.specOf(c.rest)
	if err != nil {
		c.empty(http.StatusNotFound) // no route can have this path
		return
	}
	found, err := c.routes.Remove(c.r.Context(), spec)
	switch {
	case err != nil:
		c.refuse(err)
	case !found:
		c.empty(http.StatusNotFound)
	default:
		c.tell("Removing route %s", pathOf(spec))
		c.empty(http.StatusNoContent)
	}
}

// tell logs what happens to a route.
func (c *call) tell(format string, values ...any) {
	if c.api.log.Enabled(c.r.Context(), slog.LevelInfo) {
		c.api.log.InfoContext(c.r.Context(), fmt.Sprintf(format, values...))
	}
}

// retryAfter tells a client when to try again while the store is away, in seconds.
const retryAfter = "1"

// refuse answers for a change that was not made.
func (c *call) refuse(err error) {
	switch {
	case errors.Is(err, route.ErrInvalid):
		c.fail(http.StatusBadRequest, err.Error())
	case errors.Is(err, route.ErrNotForeign):
		c.fail(http.StatusConflict, "The route belongs to the hub")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict):
		c.w.Header().Set("Retry-After", retryAfter)
		c.fail(http.StatusServiceUnavailable, "The store is out of reach")
	default:
		c.api.log.ErrorContext(c.r.Context(), "route not changed", "error", err)
		c.fail(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	}
}
