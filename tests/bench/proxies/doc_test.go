// Package proxies compares ways to an upstream on one machine: caddyhub with a
// hub, whose gate decides every request, caddyhub in the place of
// configurable-http-proxy, that program itself on Node.js, the reverse_proxy of
// Caddy, nginx and HAProxy.
//
// Every program is pinned to one core, the load and the upstream to another.
// They take turns, and CPU time that others used during a round is part of the
// result. The figures are printed as tables; nothing is asserted about them.
//
// It needs two cores, nginx, haproxy and taskset, besides what the tests need.
package proxies
