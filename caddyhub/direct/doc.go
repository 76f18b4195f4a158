// Package direct sends requests where the routing table says, whoever sends them:
// what configurable-http-proxy does for a JupyterHub that runs beside it, and
// decides about requests itself.
//
// What it guarantees:
//
//   - A path is matched as it stands and forwarded as it stands, but for what
//     IncludePrefix, PrependPath and the target's own path add or take away. One
//     that proxy and upstream could read differently is refused.
//   - Forwarded headers go on with what a trusted client said before, and hold
//     nothing that another one said.
//   - Every request is answered, and every upgrade that is refused is closed.
//   - Without options nothing is copied on the way to the data path.
package direct
