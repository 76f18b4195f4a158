package route

import (
	"net/url"
	"strings"
	"unicode"
)

// unixSuffix follows the scheme of what is spoken over a Unix socket.
const unixSuffix = "+unix"

// maxSocket is how long the path of a socket may be on Linux, in bytes.
const maxSocket = 107

// maxTargetPath bounds the path and query of a target, in bytes.
const maxTargetPath = 2000

// ParseTargetURL reads what configurable-http-proxy takes for a target: an
// origin, or "http+unix://" ("unix+http://" is the same) and the percent-encoded
// path of a socket; behind either a path and a query, which go before those of
// requests. What it would only find out at the first request is ErrInvalid here:
// another scheme, a user, a fragment, dot segments, malformed escapes, spaces,
// braces and control characters.
func ParseTargetURL(text string) (Target, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return refuseTarget("want http://host:port, https://host:port or http+unix://socket")
	}
	if strings.ContainsAny(rest, " {}\\\"<>^`|#") || strings.ContainsFunc(rest, notPrintable) {
		return refuseTarget("a fragment, or a character that a URL cannot have")
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		end = i
	}
	path, err := targetPath(rest[end:])
	if err != nil {
		return Target{}, err
	}
	var target Target
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https", "h2c":
		target, err = parseOrigin(scheme, rest[:end])
	case "http" + unixSuffix, "unix+http":
		target, err = parseSocket(rest[:end])
	default:
		return refuseTarget("the scheme is not http, https, h2c or http+unix")
	}
	if err != nil {
		return Target{}, err
	}
	target.text += path
	return target, nil
}

func parseSocket(host string) (Target, error) {
	socket, err := url.PathUnescape(host)
	switch {
	case err != nil:
		return refuseTarget("the socket has a malformed escape")
	case !strings.HasPrefix(socket, "/") || len(socket) > maxSocket:
		return refuseTarget("the socket is not an absolute path that the system takes")
	case strings.ContainsAny(socket, "{}|") || strings.ContainsFunc(socket, notPrintable):
		return refuseTarget("the path of the socket has a brace, a bar or a control character")
	}
	return Target{"http" + unixSuffix + "://" + socket + socketEnd}, nil
}

// targetPath checks a path with its query; "/" alone is none.
func targetPath(text string) (string, error) {
	path, query, asks := strings.Cut(text, "?")
	if len(text) > maxTargetPath {
		_, err := refuseTarget("the path is too long")
		return "", err
	}
	for segment := range strings.SplitSeq(path, "/") {
		decoded, ok := unescape(nil, segment)
		if name := string(decoded); !ok || name == "." || name == ".." || strings.ContainsFunc(name, unicode.IsControl) {
			_, err := refuseTarget("the path has a malformed escape, a dot segment or a control character")
			return "", err
		}
	}
	if path == "/" {
		path = ""
	}
	if asks && query != "" {
		return path + "?" + query, nil
	}
	return path, nil
}

func escapeSocket(path string) string { return strings.ReplaceAll(url.PathEscape(path), ":", "%3A") }

func notPrintable(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) }
