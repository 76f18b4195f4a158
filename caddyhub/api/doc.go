// Package api is JupyterHub's REST API under {hub}api: paths, statuses, models
// and error texts of release 5.5.1 (JupyterHub "REST API"). The OAuth endpoints
// under {hub}api/oauth2/ are not here.
//
// What it guarantees:
//
//   - Every endpoint names the scopes that open it. They are checked before the
//     body is read and before it is said whether the resource exists: who holds a
//     scope for other resources only gets the same 404 as for one that is not there.
//   - A model has the fields that the caller's scopes reveal of that very entity,
//     and no others; a list has no entity that they do not reveal.
//   - A request by cookie proves that a page of ours sent it.
//   - Trouble of the hub is 500 or 503 with Retry-After, never 401 or 403, which
//     single-user servers would remember for minutes.
//   - What is refused has changed nothing.
//
// A request goes one way: ServeHTTP finds the endpoint, identifies the caller,
// checks scopes and reads the body into a call; the endpoint answers or returns
// an error; describe, the only place that does so, turns it into a status.
// Domains list their endpoints in functions of their own, which New collects.
package api
