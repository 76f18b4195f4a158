// Package gate decides about requests: what a request is, who it claims to be,
// and what the answer is. All of it is pure: values in, values out, no clock, no
// store, no network, so that one function can serve browsers, API clients and
// open WebSockets alike, and be fuzzed.
//
// A caller takes a request through these steps:
//
//	Canonical        the path, or a refusal, before anything else looks at it
//	Classify         navigation, API call or WebSocket
//	ReadCredentials  tokens and session cookies, not yet believed
//	Origins.Same, XSRFRequired   may a cookie speak for this request
//	Decide           the answer, and how it looks to this caller
//	Hygiene          headers, on the way to the upstream and back
//
// What the package guarantees:
//
//   - What was decided is byte for byte what is forwarded. A path that an upstream
//     could read as another one is refused with 400.
//   - Every refusal fits its caller: a page navigation is redirected to the login,
//     everything else gets a status and JSON, never a redirect to HTML.
//   - Trouble of ours is 503 with Retry-After, never 401 or 403.
//   - A cookie never speaks for a WebSocket or a write of another origin, nor for
//     a script of another user's page on the same origin.
//   - No identity header, no cookie of ours and no alias of either passes in from
//     a client or out from an upstream.
package gate
