package lease

import (
	"crypto/rand"
	"os"
)

// thisProcess tells this process from every other one that has or had its
// process id. It never changes.
var thisProcess = rand.Text()

// Holder is who holds a lease: one part of one process on one node. It is
// comparable.
type Holder struct {
	// Node is the name of the machine.
	Node string `json:"node"`
	// Instance is random in every Holder.
	Instance string `json:"instance"`
	// Process is random in every process, PID its number on the node.
	Process string `json:"process"`
	PID     int    `json:"pid"`
}

// NewHolder names a part of this process on a node.
func NewHolder(node string) Holder {
	return Holder{Node: node, Instance: rand.Text(), Process: thisProcess, PID: os.Getpid()}
}

// Outlived says whether another holder has certainly died, so that its leases
// can be taken over before they run out. Only a process of this node can be
// judged: it is dead if there is no process of its number, or if its number is
// ours now. A number that was given to somebody else looks alive, which costs
// no more than the rest of the lease. This is why machines must not share a name.
func (h Holder) Outlived(other Holder) bool {
	switch {
	case other.Node != h.Node, other.Process == h.Process:
		return false
	case other.PID == h.PID:
		return true
	default:
		return !processExists(other.PID)
	}
}
