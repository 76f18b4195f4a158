//go:build !unix

package lease

// processExists cannot tell here: leases run out by themselves.
func processExists(int) bool { return true }
