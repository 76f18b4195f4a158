package gate

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
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

// CanonicalPath is Canonical for a percent-encoded path alone.
func CanonicalPath(escaped, base string) (Path, error) {
	if escaped == "" || escaped[0] != '/' {
		return Path{}, ErrPathForm
	}
	if err := checkRaw(escaped); err != nil {
		return Path{}, err
	}
	path := Path{escaped: escaped, base: -1}
	strict := escaped[1:]
	if base = strings.TrimSuffix(base, "/"); len(escaped) > len(base) && escaped[len(base)] == '/' && escaped[:len(base)] == base {
		path.base = len(base)
		if err := checkSegments(escaped[:len(base)+1][1:], 0); err != nil {
			return Path{}, err
		}
		strict = escaped[len(base)+1:]
	}
	if err := checkSegments(strict, strictSegments); err != nil {
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

// checkSegments checks what stands between slashes; the first few strictly.
func checkSegments(path string, strict int) error {
	for number := 0; path != ""; number++ {
		segment, rest, more := strings.Cut(path, "/")
		if err := checkSegment(segment); err != nil {
			return err
		}
		if number < strict {
			switch {
			case segment == "" && more:
				return ErrPathEmpty
			case strings.IndexByte(segment, ';') >= 0:
				return ErrPathParameter
			case hasEscape(segment, '2', 'f'):
				return ErrPathSlash
			}
		}
		path = rest
	}
	return nil
}

// checkSegment checks one segment, encoded as it is, by the rules for anywhere.
func checkSegment(segment string) error {
	var buffer [256]byte
	decoded, special, ok := decode(buffer[:0], segment)
	if !ok {
		return ErrPathEscape
	}
	if !special {
		if len(segment) > 2 || segment != "." && segment != ".." {
			return nil
		}
		return ErrPathDots
	}
	for _, c := range decoded {
		if c < ' ' || c == 0x7f || c == '\\' {
			return ErrPathByte
		}
	}
	if !utf8.Valid(decoded) {
		return ErrPathEncoding
	}
	if hasDots(decoded) {
		return ErrPathDots
	}
	// An upstream that decodes twice must not find dots either. A percent sign
	// that begins no escape is just that: a name may contain one.
	var second [256]byte
	if again, encoded, ok := decode(second[:0], string(decoded)); ok && encoded && hasDots(again) {
		return ErrPathDots
	}
	return nil
}

// hasDots tells whether a decoded segment is a dot segment to somebody: between
// slashes or backslashes of its own, or before parameters.
func hasDots(decoded []byte) bool {
	start := 0
	for i := 0; i <= len(decoded); i++ {
		if i < len(decoded) && decoded[i] != '/' && decoded[i] != '\\' {
			continue
		}
		piece := decoded[start:i]
		if j := strings.IndexByte(string(piece), ';'); j >= 0 {
			piece = piece[:j]
		}
		if string(piece) == "." || string(piece) == ".." {
			return true
		}
		start = i + 1
	}
	return false
}

// decode appends the percent-decoded segment. special says that the segment had
// an escape, a semicolon or a byte beyond ASCII; ok that its escapes are well-formed.
func decode(dst []byte, segment string) (decoded []byte, special, ok bool) {
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		switch {
		case c == '%':
			if i+2 >= len(segment) {
				return nil, true, false
			}
			high, low := hexDigit(segment[i+1]), hexDigit(segment[i+2])
			if high < 0 || low < 0 {
				return nil, true, false
			}
			c, special = byte(high<<4|low), true
			i += 2
		case c == ';' || c >= utf8.RuneSelf:
			special = true
		}
		dst = append(dst, c)
	}
	return dst, special, true
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// hasEscape tells whether a segment contains the escape %hl in either case.
func hasEscape(segment string, h, l byte) bool {
	for i := 0; i+2 < len(segment); i++ {
		if segment[i] == '%' && segment[i+1] == h && segment[i+2]|0x20 == l {
			return true
		}
	}
	return false
}
