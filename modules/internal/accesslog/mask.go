package accesslog

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	// hidden stands in a URL where a secret stood, as in JupyterHub's log.
	hidden = "[secret]"
	// redacted stands in a header, as in Caddy's.
	redacted = "REDACTED"
	// maxDepth is how deep URLs within URLs are looked into.
	maxDepth = 4
)

// secretKeys make a parameter a secret whose name contains one of them, in any
// case: JupyterHub's list, and what else carries credentials in queries.
var secretKeys = []string{
	"token", "auth", "key", "code", "state", "_xsrf", "csrf",
	"passw", "secret", "assertion", "ticket", "signature", "credential", "jwt", "otp", "samlresponse",
}

// secretPaths have a secret as their last segment (JupyterHub "Deprecated
// authorizations").
var secretPaths = []string{"/api/authorizations/cookie/", "/api/authorizations/token/"}

// MaskURI hides what may be secret in a URL, absolute or not, and leaves all
// else byte for byte as it is.
func MaskURI(uri string) string { return maskURI(uri, maxDepth) }

func maskURI(uri string, depth int) string {
	path, query, asked := strings.Cut(uri, "?")
	fragment := ""
	if !asked {
		path, fragment, _ = strings.Cut(uri, "#")
	} else {
		query, fragment, _ = strings.Cut(query, "#")
	}
	for _, secret := range secretPaths {
		if strings.Contains(path, secret) {
			path = path[:strings.LastIndexByte(path, '/')+1] + hidden
		}
	}
	if asked {
		path += "?" + maskQuery(query, depth)
	}
	if fragment != "" {
		// The implicit grant of OAuth has its token there.
		path += "#" + maskQuery(fragment, depth)
	}
	return path
}

// maskQuery hides values in a query. The parameters are not parsed, so that what
// is logged is what was sent.
func maskQuery(query string, depth int) string {
	var masked strings.Builder
	for query != "" {
		end := strings.IndexAny(query, "&;")
		separator := ""
		part := query
		if end >= 0 {
			part, separator = query[:end], query[end:end+1]
		}
		query = query[len(part)+len(separator):]
		masked.WriteString(maskParameter(part, depth))
		masked.WriteString(separator)
	}
	return masked.String()
}

func maskParameter(part string, depth int) string {
	name, value, assigned := strings.Cut(part, "=")
	switch {
	case !assigned || value == "":
		return part
	case depth <= 0, secretKey(name):
		return name + "=" + hidden
	}
	// A parameter such as next may be a URL with secrets of its own.
	plain, err := url.QueryUnescape(value)
	if err != nil || !strings.ContainsAny(plain, "?=#") && !strings.Contains(plain, "/api/authorizations/") {
		return part
	}
	if inner := maskURI(plain, depth-1); inner != plain {
		return name + "=" + url.QueryEscape(inner)
	}
	return part
}

func secretKey(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretKeys, func(part string) bool { return strings.Contains(name, part) })
}

// HidesParameter says whether the value of a parameter of this name is never logged.
func HidesParameter(name string) bool { return secretKey(name) }

// HidesHeader says whether a header of this name, in canonical form, is never logged.
func HidesHeader(name string) bool { return maskField(name, "x") == redacted }

var (
	// secretHeaders have names that contain one of these; the Cookie and
	// Authorization headers Caddy hides itself, unless log_credentials is on.
	secretHeaders = []string{"Token", "Secret", "Passw", "Api-Key", "Apikey", "Xsrf", "Csrf", "Assertion", "Jwt"}
	// addressHeaders hold a URL.
	addressHeaders = []string{
		"Referer", "Location", "Content-Location", "Refresh", "Link", "X-Original-Url", "X-Original-Uri", "X-Forwarded-Uri",
	}
	// protocol is the name of a WebSocket subprotocol that is no token.
	protocol = regexp.MustCompile(`^[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){1,6}$|^[a-z-]{1,20}$`)
)

// maskHeader returns a header without what may be secret; the same one if there
// is nothing, and changed is false.
func maskHeader(header http.Header) (masked http.Header, changed bool) {
	masked, copied := header, false
	for name, values := range header {
		for i, value := range values {
			shown := maskField(name, value)
			if shown == value {
				continue
			}
			if !copied {
				masked, copied = header.Clone(), true
			}
			masked[name][i] = shown
		}
	}
	return masked, copied
}

func maskField(name, value string) string {
	if slices.Contains(addressHeaders, name) {
		return MaskURI(value)
	}
	if name == "Sec-Websocket-Protocol" {
		return maskProtocols(value)
	}
	for _, part := range secretHeaders {
		if strings.Contains(name, part) {
			return redacted
		}
	}
	if signedToken(value) {
		return redacted
	}
	return value
}

// signedToken says whether a value is a JSON Web Token, whatever the header is
// called: a JSON object in base64 begins like this (RFC 7515, 3.1).
func signedToken(value string) bool {
	return strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2
}

// maskProtocols hides what is not the name of a protocol: browsers have no other
// header for the credentials of a WebSocket.
func maskProtocols(value string) string {
	parts := strings.Split(value, ",")
	for i, part := range parts {
		if name := strings.TrimSpace(part); name != "" && !protocol.MatchString(name) {
			parts[i] = strings.Replace(part, name, redacted, 1)
		}
	}
	return strings.Join(parts, ",")
}
