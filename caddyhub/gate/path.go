package gate

import (
	"net/http"
	"net/url"
	"strings"
)

// MaxPathLength is how long a path may be, in bytes as sent. It bounds the work
// that a request costs before anybody is known to have sent it.
const MaxPathLength = 8 << 10

// strictSegments is how many segments below the base path say whose the request
// is ("user/NAME/SERVER", "services/NAME", "hub/api/users"). In these nothing
// may be written in two ways; below them an upstream only confuses itself.
const strictSegments = 3

// PathError says why a path was refused. It is always the client's fault: a 400.
type PathError string

// The reasons for refusing a path.
const (
	ErrPathForm      PathError = "the request target is not a path"
	ErrPathLength    PathError = "the path is too long"
	ErrPathByte      PathError = "the path contains a control character, a backslash or a fragment"
	ErrPathEscape    PathError = "the path contains a malformed percent escape"
	ErrPathEncoding  PathError = "the path is not UTF-8"
	ErrPathDots      PathError = "the path contains dot segments"
	ErrPathEmpty     PathError = "the path contains an empty segment"
	ErrPathSlash     PathError = "the path contains an encoded slash"
	ErrPathParameter PathError = "the path contains a semicolon"
)

// Error is the reason, fit to be shown to the client.
func (e PathError) Error() string { return string(e) }

// Path is a canonical path: everybody who decodes it once reads the same
// segments. The zero Path is no path.
type Path struct {
	escaped string
	base    int // bytes of the base path in escaped, its last slash not counted; -1 outside
}

// Canonical returns the path of a request as the upstream will receive it, or a
// PathError. The base path has a slash at both ends ("/" by default); the first
// segments below it are held to stricter rules than the rest:
//
//   - anywhere: no dot segments, plain, encoded once or twice, beside encoded
//     slashes or with parameters ("..;"); no backslash, fragment or control
//     character, encoded or not; escapes well-formed and UTF-8;
//   - in the first three segments below the base path: no empty segment, no
//     encoded slash, no semicolon. Further down they are legal (JupyterLab encodes
//     slashes in the names of files) and are passed on as they are.
func Canonical(r *http.Request, base string) (Path, error) {
	if err := checkRaw(rawPath(r.RequestURI)); err != nil {
		return Path{}, err
	}
	return CanonicalPath(r.URL.EscapedPath(), base)
}

// Plain is Canonical for an app with the same rules for all of its paths: what has
// to hold anywhere holds from the first segment on, and nothing else.
func Plain(r *http.Request) (Path, error) {
	escaped := r.URL.EscapedPath()
	if err := checkRaw(rawPath(r.RequestURI)); err != nil {
		return Path{}, err
	}
	if escaped == "" || escaped[0] != '/' {
		return Path{}, ErrPathForm
	}
	if err := checkRaw(escaped); err != nil {
		return Path{}, err
	}
	return Path{escaped: escaped}, checkSegments(escaped[1:], 0)
}

// CanonicalPath is Canonical for a percent-encoded path alone.
func CanonicalPath(escaped, base string) (Path, error) {
	if escaped == "" || escaped[0] != '/' {
		return Path{}, ErrPathForm
	}
	if err := checkRaw(escaped); err != nil {
		return Path{}, err
	}
	path := Path{escaped: escaped, base: -1}
	base = strings.TrimSuffix(base, "/")
	below, strict := escaped[1:], strictSegments+strings.Count(base, "/")
	if rest, found := strings.CutPrefix(escaped, base); found && strings.HasPrefix(rest, "/") {
		path.base, below, strict = len(base), rest[1:], strictSegments
	}
	if err := checkSegments(below, strict); err != nil {
		return Path{}, err
	}
	return path, nil
}

// String is the path, percent-encoded, byte for byte as it is forwarded.
func (p Path) String() string { return p.escaped }

// InBase tells whether the path is at or below the base path.
func (p Path) InBase() bool { return p.escaped != "" && p.base >= 0 }

// Below is what follows the base path, without a leading slash and still
// percent-encoded; the whole path if it is not below it.
func (p Path) Below() string {
	if p.escaped == "" {
		return ""
	}
	return p.escaped[max(p.base, 0)+1:]
}

// Segment is segment i below the base path, counted from 0, percent-decoded once;
// empty if there is none.
func (p Path) Segment(i int) string {
	for segment := range strings.SplitSeq(p.Below(), "/") {
		if i == 0 {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				return ""
			}
			return plain
		}
		i--
	}
	return ""
}

// HasSegment tells whether a segment of the path equals this word exactly.
func (p Path) HasSegment(word string) bool {
	for segment := range strings.SplitSeq(p.Below(), "/") {
		if segment == word {
			return true
		}
	}
	return false
}

// rawPath is the path as it stands in the request line, without query and, in
// absolute form, without scheme and host.
func rawPath(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if !strings.HasPrefix(target, "/") {
		if _, rest, found := strings.Cut(target, "://"); found {
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				return rest[i:]
			}
			return ""
		}
	}
	return target
}

// checkRaw looks for what net/url would silently rewrite.
func checkRaw(path string) error {
	if len(path) > MaxPathLength {
		return ErrPathLength
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c == '\\' || c == '#' || c < ' ' || c == 0x7f:
			return ErrPathByte
		}
	}
	return nil
}
