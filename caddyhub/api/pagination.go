package api

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// paginationType in Accept asks for lists in pages (section 0.6).
const paginationType = "application/jupyterhub-pagination+json"

// page is the part of a list that is asked for.
type page struct {
	offset, limit int
	// wrapped says that the client wants to know about further pages.
	wrapped bool
}

// page reads offset and limit: absolute values, limit within 1 and the maximum.
func (c *call) page() (page, error) {
	p := page{wrapped: acceptsPagination(c.r.Header), limit: c.options.PageMaxLimit}
	if p.wrapped {
		p.limit = min(c.options.PageDefaultLimit, c.options.PageMaxLimit)
	}
	var ok bool
	if text, given := c.query.last("offset"); given {
		if p.offset, ok = magnitude(text); !ok {
			return p, errNotIntegers
		}
	}
	if text, given := c.query.last("limit"); given {
		if p.limit, ok = magnitude(text); !ok {
			return p, errNotIntegers
		}
	}
	p.limit = min(max(p.limit, 1), c.options.PageMaxLimit)
	return p, nil
}

var errNotIntegers = badRequest("Invalid argument type, offset and limit must be integers")

func acceptsPagination(h http.Header) bool {
	for part := range strings.SplitSeq(strings.Join(h["Accept"], ","), ",") {
		if strings.ToLower(strings.TrimSpace(part)) == paginationType {
			return true
		}
	}
	return false
}

// maxOffset leaves room to add a limit. No list is that long.
const maxOffset = math.MaxInt32

// magnitude reads an integer without its sign; what is too large is maxOffset.
func magnitude(text string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if digits == "" || len(text)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || number > maxOffset {
		return maxOffset, true
	}
	return int(number), true
}

// paginated answers with one page of a list, wrapped if the client wants that.
func (c *call) paginated(p page, items any, total int) error {
	if !p.wrapped {
		return c.json(http.StatusOK, items)
	}
	return c.json(http.StatusOK, map[string]any{"items": items, "_pagination": c.aboutPage(p, total)})
}

// pageURL is the absolute URL of this request for another page. Clients follow
// it as it is, so it is made of the address at which they reached the hub.
func (c *call) pageURL(offset, limit int) string {
	return c.scheme() + "://" + c.r.Host + c.r.URL.EscapedPath() + "?" + c.query.forPage(c.r.URL.RawQuery, offset, limit)
}

// scheme is how the client reached the hub. X-Forwarded-Proto is believed of
// anybody: it shows in nothing but the caller's own answer.
func (c *call) scheme() string {
	public := c.options.PublicURL
	switch {
	case public != nil && strings.EqualFold(public.Host, c.r.Host):
		return public.Scheme
	case c.r.TLS != nil, slices.Equal(c.r.Header["X-Forwarded-Proto"], []string{"https"}):
		return "https"
	}
	return "http"
}
