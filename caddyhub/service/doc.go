// Package service keeps the programs running that the hub starts itself:
// JupyterHub's managed services.
//
// What it guarantees:
//
//   - A service runs on one node at a time. When that node ends or dies, another
//     one starts it.
//   - A service that ends is started again, after a pause that grows while it
//     keeps ending. One whose description has not changed is not disturbed by a
//     new configuration; one whose description has is started anew.
//   - Stopping ends everything that the service has started and that has not
//     left its process group: by SIGINT, SIGTERM and SIGKILL in turn. On Linux a
//     service ends with a hub that is killed, and what is left of it ends before
//     it is started again on the same machine.
//   - A service gets JupyterHub's variables and few of the hub's own. What it
//     writes goes to the hub's log, line by line, without its secrets.
package service
