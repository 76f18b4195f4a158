// Package handover carries a login from the hub's host to another one: to that of
// a user's server where every user has a host of their own, or to an app that
// the hub guards elsewhere. Browsers keep the cookies of hosts apart, and that is
// what such hosts are for; so a visitor is sent round by the hub once and comes
// back with a code.
//
//	browser            host B                          hub
//	  | GET /x           |                               |
//	  |----------------->| no session: a secret for this browser
//	  |<-----------------| 302, cookie                   |
//	  | GET /hub/handover?host=B&next=/x&state=hash of the secret
//	  |------------------------------------------------->| logged in, or first logs in
//	  |<-------------------------------------------------| 303
//	  | GET B/.caddyhub/handover?code=…                  |
//	  |----------------->| code and secret against what the hub has kept
//	  |<-----------------| 303 /x, session cookie of B   |
//
// What it guarantees:
//
//   - A code is good once, on every node together, and for a minute. It is for one
//     host and for the browser that set out from there: a code that somebody else
//     obtained logs nobody in, and one that leaks is worth nothing without the
//     cookie. Whoever presents it wrongly has used it up.
//   - The store has a keyed hash of a code, never the code.
//   - What comes of it is a child of the hub's session (identity.HostSession): it
//     ends with it, on every node, and is good on its one host only.
//   - Only hosts that the hub knows are handed anything.
package handover
