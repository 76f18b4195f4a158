package hub

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// relay is a slog.Handler that passes records on to the handler of the moment:
// what lives as long as the hub must not log to the files of a configuration
// that has ended.
type relay struct {
	current *atomic.Pointer[slog.Handler]
	// within adds the attributes and groups of this logger to a handler.
	within func(slog.Handler) slog.Handler
}

func newRelay(log *slog.Logger) relay {
	r := relay{current: new(atomic.Pointer[slog.Handler]), within: func(h slog.Handler) slog.Handler { return h }}
	r.to(log)
	return r
}

// to sends what is logged from now on to another logger.
func (r relay) to(log *slog.Logger) {
	handler := slog.DiscardHandler
	if log != nil {
		handler = log.Handler()
	}
	r.current.Store(&handler)
}

func (r relay) handler() slog.Handler { return r.within(*r.current.Load()) }

// Enabled implements slog.Handler.
func (r relay) Enabled(ctx context.Context, level slog.Level) bool {
	return r.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (r relay) Handle(ctx context.Context, record slog.Record) error {
	return r.handler().Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (r relay) WithAttrs(attrs []slog.Attr) slog.Handler {
	return relay{r.current, func(h slog.Handler) slog.Handler { return r.within(h).WithAttrs(attrs) }}
}

// WithGroup implements slog.Handler.
func (r relay) WithGroup(name string) slog.Handler {
	return relay{r.current, func(h slog.Handler) slog.Handler { return r.within(h).WithGroup(name) }}
}
