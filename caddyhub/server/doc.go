// Package server is the life of single-user servers: starting, watching and
// stopping them, on any node of the hub and across the death of any.
//
// What it guarantees:
//
//   - A start or stop exists once it is committed. A node that dies in the
//     middle of one loses nothing: another one, or its own successor, finishes
//     the work or fails it cleanly.
//   - Servers outlive the hub. A ready server stays ready and routed while the
//     hub is away, and while a hub that has come back looks after it.
//   - For each server one operation runs at a time. Its worker holds a lease,
//     which says that somebody is at work, and a fence, a number that grows with
//     each new owner: every write of a worker is made only if the fence is still
//     its own, so that whoever was taken for dead writes nothing.
//   - "ready" and the route, "stopping" and its removal, are one commit each.
//   - Limits hold exactly, however many starts are asked for at once.
//   - What users are told about a failure has no secrets in it, and what comes
//     from a server's log is escaped.
//
// The states are JupyterHub's (section 7.1 of its lifecycle):
//
//	          Start                    answers
//	stopped ─────────▶ pending spawn ───────────▶ ready
//	   ▲                │ fails, exits, cancelled   │ Stop, exits
//	   │                ▼                           ▼
//	   └─────────────────────────────────── pending stop
//
// and "pending check" for a server that was ready, runs, and does not answer
// after the hub came back; it becomes ready again or is stopped.
//
// Manager is the entrance.
package server
