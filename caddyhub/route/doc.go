// Package route is the routing table: which upstream serves which path.
//
// A route is a record of the store under its routespec, written with Put and
// Delete inside whatever transaction makes it true ("ready" and its route are
// one commit). Every node keeps all routes in memory, in a Table that a Mirror
// holds equal to the store.
//
// What the package guarantees:
//
//   - A Spec and a Target are valid from the moment they exist. There is one
//     parser for each, and JSON goes through it too. Neither ever holds a brace,
//     so nothing that expands placeholders finds any in them.
//   - Lookup compares whole segments, each percent-decoded once, case-sensitive:
//     the route /user/al/ never serves /user/alice. It neither blocks nor
//     allocates, whatever is written beside it.
//   - A change copies the levels on its way through the tree and nothing else.
//   - A Table of 100 000 routes takes about 15 MB: a route is an Entry of one string
//     and a few numbers.
//   - A Keeper changes what clients of configurable-http-proxy's API have added,
//     durably, and nothing that the hub has made itself.
//   - A route that is set again as it was costs nothing, and neither does loading all
//     of them once more.
//   - The activity of the routes in a Registry is shared by all over one store, and
//     outlives each of them to within ActivityInterval.
//   - Mirror.Fresh says whether the table may be outdated, and since when.
//
// Routespecs are those of JupyterHub (section 8.1 of its proxy contract) and of
// configurable-http-proxy.
package route
