// Package cull stops servers that nobody uses, and deletes users who do not come
// back: what jupyterhub-idle-culler does, inside the hub.
//
// What it guarantees:
//
//   - A server is idle by JupyterHub's own measure, last_activity: requests and
//     WebSockets that pass the hub, and what the server itself reports of its
//     kernels and terminals; or, if that is wished, by when a person last did
//     something there. That is read again right before the server is stopped.
//   - What is pending is left alone, and what is not ready.
//   - A hub that was away has seen nobody work. Nothing is idle before it has
//     watched for as long as servers take to report (Grace), also when its store
//     was away.
//   - Of several nodes one culls at a time. If it dies, another one takes its
//     place.
//   - One server that cannot be stopped does not keep the others running.
package cull
