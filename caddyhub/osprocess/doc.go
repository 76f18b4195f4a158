// Package osprocess is what starting, recognising and ending processes of the
// operating system takes, for the parts of the hub that have children.
//
// What it guarantees:
//
//   - A process is named by its number together with its start time and the
//     machine's boot, so that a number which the system has given to somebody
//     else is never taken for the process that had it before.
//   - A group of processes is signalled only while its leader is known to be
//     ours, or one of its members carries our mark in its environment.
//   - A child gets none of the hub's descriptors, and under another account none
//     of the hub's groups.
//
// On Linux everything is read from /proc. Other Unixes ask ps(1) for start
// times, whole seconds there, and cannot find processes by their marks.
package osprocess
