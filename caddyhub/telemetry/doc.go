// Package telemetry counts what the hub does, for Prometheus: JupyterHub's
// metrics under JupyterHub's names (its "Metrics and events"), and ours, which
// begin with caddyhub_.
//
// What it guarantees:
//
//   - No label has a name of a user, a server or anything else that callers
//     choose: handlers are patterns of paths, methods those of HTTP, and all
//     other labels come from lists in this package. The number of series is
//     bounded.
//   - To count costs a few atomic additions and never waits.
//   - A Metrics has a registry of its own and lives as long as the hub it counts
//     for: a new configuration sets nothing back.
//   - running_servers and total_users are the numbers of the whole hub on every
//     node. A Census counts records once and then follows the store's feed, so
//     that a scrape reads three integers, however many users there are; counters
//     kept by the nodes would drift when one dies.
//
// It is told what happened and asks nobody: whoever counts declares an interface
// or a function of its own.
package telemetry
