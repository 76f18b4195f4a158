package pam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// inThread runs something that calls PAM. Modules cannot be interrupted: whoever
// does not wait any longer leaves one running, which keeps its place among the
// threads until it is done.
func (a *Authenticator) inThread(ctx context.Context, run func() error) error {
	waiting, cancel := context.WithTimeoutCause(ctx, a.options.Timeout, errTooSlow)
	defer cancel()
	select {
	case a.threads <- struct{}{}:
	case <-waiting.Done():
		return tooSlow(ctx)
	}
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and with it whatever a
		// module has done to it (credentials, limits, signal masks).
		runtime.LockOSThread()
		defer func() { <-a.threads }()
		done <- run()
	}()
	select {
	case err := <-done:
		return err
	case <-waiting.Done():
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "PAM is not done yet, and nobody waits for it", slog.String("service", a.options.Service))
		return tooSlow(ctx)
	}
}

var errTooSlow = errors.New("PAM takes too long")

// tooSlow is the error of the context of the caller, or else about PAM.
func tooSlow(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", authenticator.ErrUnavailable, errTooSlow)
}
