// Package xsrf mints and checks the tokens that prove that a page, and not just a
// cookie, sent a request.
//
// What it guarantees:
//
//   - A token is good for one session and one path prefix. A token read on
//     another user's page on the same origin is worth nothing elsewhere, and a
//     login or logout makes the tokens before it worthless.
//   - Before login a token is bound to a random cookie of the browser, never to
//     its address: people behind several proxies can log in. It has an age limit,
//     and a token of one kind is never taken for one of the other.
//   - Tokens are signed, so that nothing is stored. They contain no secret, differ
//     each time, and are safe in URLs, cookies and HTML without escaping.
//
// Where tokens travel is JupyterHub's: the cookie _xsrf, the argument _xsrf, the
// headers X-XSRFToken and X-CSRFToken.
package xsrf
