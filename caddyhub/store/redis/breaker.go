package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// probeEvery is how often one call may try whether the server is back,
	// while all others fail at once. Without it every request of a busy hub
	// would wait for its full timeout when the server hangs.
	probeEvery = 250 * time.Millisecond
	// hung is how long a call must have waited in vain to say that the server
	// hangs, rather than that the caller had no time.
	hung = 900 * time.Millisecond
)

// breaker keeps calls away from a server that does not answer. The zero value
// is ready.
type breaker struct {
	mu     sync.Mutex
	reason error // nil while all is well
	probe  time.Time
}

// check returns an error when the server was away a moment ago.
func (b *breaker) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.reason == nil {
		return nil
	}
	if now.Before(b.probe) {
		return fmt.Errorf("no answer a moment ago: %w", b.reason)
	}
	b.probe = now.Add(probeEvery)
	return nil
}

// note takes in how a call that took so long has ended.
func (b *breaker) note(err error, took time.Duration) {
	var answered redis.Error
	switch {
	case err == nil || errors.As(err, &answered) && !refused(err):
		err = nil
	case (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) && took < hung:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reason = err
	b.probe = time.Now().Add(probeEvery)
}

// refused reports whether the server answered that it serves nobody now.
func refused(err error) bool {
	for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
