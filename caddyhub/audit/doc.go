// Package audit is the record of who changed what: one Event for each change, or
// attempt at one, written to a log of its own that an operator can keep apart.
//
// What it guarantees:
//
//   - An event names who acted, from where, by which credential (its id), on
//     whom, and what came of it. It never holds a secret: tokens and sessions are
//     named by their ids.
//   - Text that callers choose is cut at MaxText, and lists at MaxNames, so that
//     nobody fills the log with one request.
//   - Recording does not fail and does not wait for anything but the log.
//
// The fields of a record, all at the top level; those that are empty are absent:
//
//	msg         always "audit"
//	action      what was done: "user.create", "server.start", "login", …
//	outcome     "success", "refused" (the caller may not, or asked for nonsense)
//	            or "failure" (trouble of the hub or of a server)
//	status      the HTTP status that the caller was told
//	actor       name of the user, service or OAuth client that acted
//	actor_kind  "user", "service", "client", "anonymous", "operator" (Caddy's admin endpoint)
//	            or "hub" (the hub itself: culling, configuration, a server's end)
//	token_id    id of the API token by which the actor came
//	session_id  id of the browser session by which the actor came
//	remote      address of the actor's client, trusted proxies taken into account
//	username    the user who was acted on
//	servername  the user's server; "" is the default one, and absent if no server
//	            is meant
//	group       the group that was acted on
//	service     the service that was acted on
//	token       id of the token that was made or revoked
//	client_id   the OAuth client that was let in
//	details     what was asked for, by the names of the REST API
//	reason      why the hub acted, or why it failed
//	took        how long a start or stop took
//
// action, username and servername mean what they mean in JupyterHub's event
// https://schema.jupyter.org/jupyterhub/events/server-action, whose actions
// "start" and "stop" are "server.started" and "server.stopped" here.
package audit
