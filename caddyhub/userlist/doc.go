// Package userlist keeps all users of a hub, with their servers and the times of
// their activity, in the memory of one node, so that lists of users and what is
// asked about one user cost no I/O and almost no time.
//
// What it guarantees:
//
//   - What it shows of a user is what the store holds: all that the feed of the
//     store had told and all that this node had written when the question came.
//     Activity that this node has noted and not yet written counts too.
//   - Where that cannot be promised (it is not loaded, changes were missed, the
//     store has been out of touch for longer than its memory may be trusted, a
//     record cannot be read) it gives no answer, and the store has to be asked.
//   - Memory grows with the users and servers that exist, by about two kilobytes
//     each. What is not needed to list a user is left out: auth state, and why a
//     start failed.
//
// A List is made for a store that is store.Watched. Changes only mark what has to
// be read again; the next question, or Run, reads all marked records in one
// transaction.
package userlist
