// Package spawner is the line between the hub and whatever runs single-user
// servers: local processes, containers, a cluster.
//
// What a Spawner guarantees, and what package spawnertest holds it to:
//
//   - It keeps no state of its own. What it must know later it hands over as
//     State, which the hub stores and gives back, perhaps in another process
//     and after the death of the first.
//   - A Start that fails or is cancelled leaves nothing running. If the hub
//     dies in the middle of one, the State saved so far is enough to clean up.
//   - Stop is idempotent and returns when the server is gone.
//   - Poll and Stop never take another program for the server.
//
// Environment builds the variables that every single-user server expects, for
// all spawners alike. Template expands {username} and its like in paths,
// commands and URLs so that no user name can lead out of a directory.
package spawner
