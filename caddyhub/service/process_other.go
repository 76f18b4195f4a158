//go:build !unix

package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
)

// startProgram is not possible here.
func (s *Supervisor) startProgram(Spec, launch) (*program, error) {
	return nil, fmt.Errorf("services with a command: %w", errors.ErrUnsupported)
}

func (s *Supervisor) clear(context.Context, string) error { return nil }

func thisMachine() (osprocess.Machine, error) { return osprocess.Machine{}, nil }
