package route

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a routespec. They bound what one route can cost every node.
const (
	// MaxSpecLength is the length of a routespec in bytes. It fits the key of a
	// record together with its kind.
	MaxSpecLength = 1000
	// MaxSegments is how many path segments a routespec may have: the base path
	// and "user/NAME/SERVER" are far below it.
	MaxSegments = 16
)

// Spec is a routespec: "/path/" for every host or "host/path/" for one. The host
// is lower case and without a port; segments are percent-encoded as JupyterHub
// encodes names; a slash stands at the end. Specs are equal exactly if they mean
// the same, so == compares them. The zero Spec is invalid; use ParseSpec or NewSpec.
type Spec struct {
	// text is the host, if there is one, and the path.
	text string
}

// ParseSpec reads a routespec. A missing slash at the end and escapes written
// differently are made canonical; anything ambiguous is ErrInvalid: empty and dot
// segments, encoded slashes, backslashes, braces, control characters, queries,
// invalid UTF-8 and malformed escapes.
func ParseSpec(text string) (Spec, error) {
	host, path, found := strings.Cut(text, "/")
	if !found {
		return Spec{}, fmt.Errorf("%w: routespec %q has no slash", ErrInvalid, clip(text))
	}
	if path == "" {
		return NewSpec(host)
	}
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, segment := range segments {
		if strings.ContainsAny(segment, "{}?#;\\ ") {
			return Spec{}, fmt.Errorf("%w: routespec %q: one of { } ? # ; \\ or a space in a segment", ErrInvalid, clip(text))
		}
		plain, ok := unescape(nil, segment)
		if !ok {
			return Spec{}, fmt.Errorf("%w: routespec %q: malformed escape", ErrInvalid, clip(text))
		}
		segments[i] = string(plain)
	}
	return NewSpec(host, segments...)
}

// NewSpec builds a routespec from a host, empty for all, and plain segments,
// which it encodes. The root of a host has no segments.
func NewSpec(host string, segments ...string) (Spec, error) {
	if host != "" && !validHost(host) {
		return Spec{}, fmt.Errorf("%w: host %q of a routespec", ErrInvalid, clip(host))
	}
	if len(segments) > MaxSegments {
		return Spec{}, fmt.Errorf("%w: a routespec of more than %d segments", ErrInvalid, MaxSegments)
	}
	var text strings.Builder
	text.WriteString(strings.ToLower(host))
	text.WriteByte('/')
	for _, segment := range segments {
		if err := validSegment(segment); err != nil {
			return Spec{}, err
		}
		text.WriteString(Escape(segment))
		text.WriteByte('/')
	}
	if text.Len() > MaxSpecLength {
		return Spec{}, fmt.Errorf("%w: a routespec longer than %d bytes", ErrInvalid, MaxSpecLength)
	}
	return Spec{text.String()}, nil
}

// Under is the routespec of plain segments below this one: the base path's Under
// gives those of its users and services. An empty last segment is left out, as
// the default server has none.
func (s Spec) Under(segments ...string) (Spec, error) {
	if n := len(segments); n > 0 && segments[n-1] == "" {
		segments = segments[:n-1]
	}
	return NewSpec(s.Host(), append(s.Segments(), segments...)...)
}

// Host the route is for; empty means all.
func (s Spec) Host() string { return s.text[:s.slash()] }

// Path of the route, percent-encoded, with a slash at both ends.
func (s Spec) Path() string { return s.text[s.slash():] }

// slash is where the path begins.
func (s Spec) slash() int { return max(strings.IndexByte(s.text, '/'), 0) }

// String is the routespec as JupyterHub writes it; ParseSpec reads it back.
func (s Spec) String() string { return s.text }

// IsZero tells whether this is no routespec at all.
func (s Spec) IsZero() bool { return s.text == "" }

// Segments of the path, percent-decoded; none for the root.
func (s Spec) Segments() []string {
	path := s.Path()
	if len(path) < 2 {
		return nil
	}
	segments := strings.Split(path[1:len(path)-1], "/")
	for i, segment := range segments {
		if strings.IndexByte(segment, '%') >= 0 {
			plain, _ := unescape(nil, segment)
			segments[i] = string(plain)
		}
	}
	return segments
}

// MarshalText writes the routespec.
func (s Spec) MarshalText() ([]byte, error) {
	if s.IsZero() {
		return nil, fmt.Errorf("%w: an empty routespec", ErrInvalid)
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads a routespec as ParseSpec does.
func (s *Spec) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpec(string(text))
	return err
}

func validSegment(segment string) error {
	switch {
	case segment == "":
		return fmt.Errorf("%w: an empty segment in a routespec", ErrInvalid)
	case segment == "." || segment == "..":
		return fmt.Errorf("%w: a dot segment in a routespec", ErrInvalid)
	case !utf8.ValidString(segment):
		return fmt.Errorf("%w: a segment of a routespec is not UTF-8", ErrInvalid)
	case strings.ContainsAny(segment, "/\\") || strings.ContainsFunc(segment, unicode.IsControl):
		return fmt.Errorf("%w: a slash, backslash or control character inside a segment of a routespec", ErrInvalid)
	}
	return nil
}

// clip keeps hostile input from filling a log.
func clip(text string) string {
	const most = 100
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
