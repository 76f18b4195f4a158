// Package process runs single-user servers as processes on the hub's machine.
//
// A server has a session and process group of its own, writes to a log file and
// shares no pipe, terminal or descriptor with the hub: it goes on when the hub
// stops, and any later hub on the machine can watch and stop it. What names it
// is its process id together with its start time and the machine's boot, so
// that a reused process id is never taken for a server.
//
// The hub's own environment stays with the hub, but for the few variables named
// in Options.EnvKeep. No name of a user can lead out of a directory.
//
// Limits of memory and CPU are told to the server in its environment and not
// enforced: whoever needs them enforced takes a spawner for containers, or a
// Command that applies them. Programs that leave the server's process group,
// such as kernels, end because they notice the server's end, not by our signals.
// Under systemd the hub's unit needs KillMode=process, or its stop is that of
// every server. As process 1 of a container the hub needs an init beside it
// (docker run --init) that collects orphans.
//
// On Linux everything is read from /proc. Other Unixes ask ps(1) for start
// times, whole seconds there, and cannot find what a hub that was killed in the
// middle of a start left behind.
package process
