package direct

import (
	"errors"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

var (
	errPathForm = errors.New("the request target is not a path")
	errPathByte = errors.New("the path contains a control character, a backslash or a fragment")
	errPathDots = errors.New("the path contains dot segments")
	errEscape   = errors.New("the path contains a malformed percent escape")
)

// checkPath refuses what is read in two ways: what a URL parser resolves or
// rewrites before it looks at the path. Encoded slashes and empty segments are
// passed on: they separate nothing here, and an upstream may use them.
func checkPath(path string) error {
	if path == "" || path[0] != '/' {
		return errPathForm
	}
	dots := false
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c == 0x7f || c == '\\' || c == '#':
			return errPathByte
		case c == '.' || c == '%':
			dots = true
		}
	}
	if !dots {
		return nil
	}
	for segment := range strings.SplitSeq(path, "/") {
		if err := checkSegment(segment); err != nil {
			return err
		}
	}
	return nil
}

func checkSegment(segment string) error {
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return errEscape
	}
	name, _, _ := strings.Cut(decoded, ";")
	if name == "." || name == ".." {
		return errPathDots
	}
	for i := range len(decoded) {
		if c := decoded[i]; c < ' ' || c == 0x7f || c == '\\' {
			return errPathByte
		}
	}
	return nil
}

// requestURI is the request target for the upstream; empty if it is the client's.
func (h *Handler) requestURI(to *route.Entry, path, query string) string {
	target := to.Target()
	before, ask := target.Path(), target.Query()
	if h.options.OmitTargetPath {
		before, ask = "", ""
	}
	if before == "" && ask == "" && !h.options.OmitPrefix {
		return ""
	}
	if h.options.OmitPrefix {
		path = below(path, len(to.Spec().Segments()))
	}
	if ask != "" {
		query = "?" + strings.TrimSuffix(ask+"&"+strings.TrimPrefix(query, "?"), "&")
	}
	return strings.TrimSuffix(before, "/") + path + query
}

// below is a path without its first segments, however they are encoded.
func below(path string, segments int) string {
	for range segments {
		i := strings.IndexByte(path[1:], '/')
		if i < 0 {
			return "/"
		}
		path = path[1+i:]
	}
	return path
}
