package server

import keeper "github.com/caddyhub/caddyhub/caddyhub/lease"

// holder is who holds a lease: one Manager in one process on one node. Machines
// must not share a name; should they nevertheless, the fence keeps what both
// write consistent.
type holder = keeper.Holder
