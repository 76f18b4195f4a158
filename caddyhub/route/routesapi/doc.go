// Package routesapi is the REST API of configurable-http-proxy 5.3 over the
// routing table: what JupyterHub's ConfigurableHTTPProxy, and everything else
// that adds routes by it, calls under /api/routes.
//
// What it guarantees:
//
//   - Statuses, bodies and error texts are those of configurable-http-proxy. What
//     differs on purpose is in tests/conformance/DIFFERENCES.md: every request is
//     answered, credentials are looked at before anything else, and a target that
//     could not be reached later is refused at once.
//   - What a client attaches to a route comes back as it was sent.
//   - A route that was answered 201 is served, and kept wherever routes are kept.
//   - Reading the whole table holds up nobody who reads or writes it.
package routesapi
