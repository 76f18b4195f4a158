package audit

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxText is the length of a text that a caller chose, in bytes: a megabyte
	// of user name must not become a megabyte of log.
	MaxText = 256
	// MaxNames is how many elements of a list are written.
	MaxNames = 100
)

// Log writes events. The nil Log discards them. It is safe for concurrent use.
type Log struct {
	to *slog.Logger
}

// New makes a Log. The logger should be one that nothing else writes to.
func New(to *slog.Logger) *Log { return &Log{to} }

// Record writes an event.
func (l *Log) Record(ctx context.Context, event Event) {
	if l == nil || l.to == nil {
		return
	}
	level := slog.LevelInfo
	if event.Routine {
		level = slog.LevelDebug
	}
	if l.to.Enabled(ctx, level) {
		// Whoever has hung up has acted all the same.
		l.to.LogAttrs(context.WithoutCancel(ctx), level, "audit", event.attributes()...)
	}
}

func (e Event) attributes() []slog.Attr {
	list := []slog.Attr{
		slog.String("action", e.Action),
		slog.String("outcome", string(e.Result())),
	}
	text := func(name, value string) {
		if value != "" {
			list = append(list, slog.String(name, clip(value)))
		}
	}
	if e.Status != 0 {
		list = append(list, slog.Int("status", e.Status))
	}
	kind := e.Actor.Kind
	if kind == Hub {
		kind = "hub"
	}
	list = append(list, slog.String("actor_kind", string(kind)))
	text("actor", e.Actor.Name)
	text("token_id", e.Actor.TokenID)
	text("session_id", e.Actor.SessionID)
	if e.Remote.IsValid() {
		text("remote", e.Remote.String())
	}
	text("username", e.Target.User)
	if e.Target.Server != nil {
		list = append(list, slog.String("servername", clip(*e.Target.Server)))
	}
	text("group", e.Target.Group)
	text("service", e.Target.Service)
	text("token", e.Target.TokenID)
	text("client_id", e.Target.ClientID)
	if len(e.Details) > 0 {
		list = append(list, slog.Attr{Key: "details", Value: slog.GroupValue(e.details()...)})
	}
	text("reason", e.Reason)
	if e.Took > 0 {
		list = append(list, slog.Duration("took", e.Took))
	}
	return list
}

// details are those of the event in the order of their names.
func (e Event) details() []slog.Attr {
	var list []slog.Attr
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		switch value := e.Details[name].(type) {
		case string:
			list = append(list, slog.String(name, clip(value)))
		case []string:
			short := make([]string, min(len(value), MaxNames))
			for i := range short {
				short[i] = clip(value[i])
			}
			list = append(list, slog.Any(name, short))
			if len(value) > len(short) {
				list = append(list, slog.Int(name+"_count", len(value)))
			}
		case bool, int, int64, float64:
			list = append(list, slog.Any(name, value))
		}
	}
	return list
}

// clip shortens a text and makes it fit for a log: valid UTF-8 on one line.
func clip(text string) string {
	if len(text) > MaxText {
		end := MaxText
		for end > MaxText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}
