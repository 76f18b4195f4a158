// Package nexturl decides where a browser may be sent after a login, a logout or
// a spawn, when the request itself says where ("next").
//
// It guarantees that what it accepts is a path of this very site to every URL
// parser, be it a browser's (WHATWG) or a server's (RFC 3986), and that it is
// ASCII without spaces, quotes, angle brackets and braces, so that it is harmless
// in headers, templates and wherever placeholders are expanded.
//
// The rules are JupyterHub's (section 6.2) and stricter where browsers and
// servers disagree: control characters, dot segments and encoded slashes in
// front are refused instead of repaired.
package nexturl
