package service

import (
	"context"
	"time"
)

// launch is what differs from one start of a service to the next.
type launch struct {
	// id marks the processes of the start.
	id string
	// token is its API token.
	token string
	// output takes what it writes, a line at a time. It is not called any more
	// once the program has been stopped.
	output func(line string)
}

// patience is how long a stop waits after each signal.
type patience struct{ interrupt, term, kill time.Duration }

// program is one run of a service.
type program struct {
	process Process
	// ended is closed when its own process has ended; err, read after that, says
	// how, and is nil after success.
	ended chan struct{}
	err   error
	// stop ends what is left of it, its own process and its group. An error says
	// that something may be left.
	stop func(ctx context.Context, how patience) error
}
