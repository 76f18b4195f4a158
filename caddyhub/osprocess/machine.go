package osprocess

import "errors"

// ErrNotFound says that there is no such process.
var ErrNotFound = errors.New("no such process")

// Machine tells one run of a system from another.
type Machine struct {
	// Boot is different after every boot; empty if the system has no such id.
	Boot string `json:"boot_id,omitempty"`
	// Namespace is the process namespace, inside which process ids count.
	Namespace string `json:"pid_namespace,omitempty"`
}
