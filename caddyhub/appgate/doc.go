// Package appgate is the gate in front of any web app: one that knows nothing of
// hubs, and is reached through whatever proxy follows. It gathers what package
// gate needs to decide, as package edge does for servers, and does what was
// decided.
//
// What it guarantees:
//
//   - Nobody passes whom no rule names. A Policy without rules is an error, not an
//     open door, and trouble of ours is 503.
//   - A request goes on without any header that could pass for our word about who
//     visits, in any spelling, without our cookies, and without the token that it
//     was decided by. A token in Authorization that is none of ours is the app's
//     own: it goes on, and the cookie decides.
//   - The app sets no cookie of ours.
//   - A cookie speaks only for requests of the site's own pages. An app knows
//     nothing of our _xsrf, so that Origin and Sec-Fetch-Site say which these are
//     (gate.AreaOwnOrigin). Where an app shares its host with servers of users,
//     their pages are of the same origin: give it a host of its own.
//   - A token with less than all that its owner may, and what servers were given to
//     know their visitors by, opens an app by its scopes alone.
//   - An open WebSocket is decided about again like those to servers, and closed
//     with code 1008.
//
// A site on another host than the hub's gets its logins by package handover.
// Ask gives the same verdicts to other proxies (nginx, Traefik, Envoy, HAProxy).
package appgate
