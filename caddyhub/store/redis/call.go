package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var (
	//go:embed scripts/state.lua
	stateSource string
	//go:embed scripts/position.lua
	positionSource string
	//go:embed scripts/get.lua
	getSource string
	//go:embed scripts/list.lua
	listSource string
	//go:embed scripts/commit.lua
	commitSource string
	//go:embed scripts/sweep.lua
	sweepSource string

	positionScript = redis.NewScript(stateSource + positionSource)
	getScript      = redis.NewScript(stateSource + getSource)
	listScript     = redis.NewScript(stateSource + listSource)
	commitScript   = redis.NewScript(stateSource + commitSource)
	sweepScript    = redis.NewScript(stateSource + sweepSource)
)

// ErrOldServer says that the server is older than Redis or Valkey 7. It comes
// wrapped in ErrUnavailable.
var ErrOldServer = errors.New("redis server is too old, version 7 or newer is needed")

var errAnswer = errors.New("unexpected answer of a script")

// withDeadline gives a context without a deadline that of the store.
func (s *Store) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, limited := ctx.Deadline(); limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.timeout)
}

// call runs a script that answers with a list. When the connection breaks, the
// client sends it again; every script can stand that.
func (s *Store) call(ctx context.Context, script *redis.Script, args ...any) ([]any, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	answer, err := script.Run(ctx, s.client, []string{s.base}, args...).Slice()
	s.breaker.note(err, time.Since(begin))
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	return answer, nil
}

// open says whether there is still somebody to work for.
func (s *Store) open(ctx context.Context) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return s.failure(ctx, err)
	}
	return nil
}

// usable says why a call would be in vain. When the server was away, it lets
// one call through now and then, which must be made and noted.
func (s *Store) usable(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.breaker.check(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// failure turns an error of the client into one of package store.
func (s *Store) failure(ctx context.Context, err error) error {
	switch {
	case s.closed.Load() || errors.Is(err, redis.ErrClosed):
		return store.ErrClosed
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case redis.HasErrorPrefix(err, "OLDSERVER"):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, ErrOldServer)
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// text is the i-th element of an answer.
func text(answer []any, i int) (string, error) {
	if i < len(answer) {
		if text, ok := answer[i].(string); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
}
