//go:build !(pam && cgo)

package pam

func newStack(Options) (stack, error) { return nil, ErrNotBuilt }
