package server

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Bounds of what a failure, or one event, can make every reader pay.
const (
	maxLogLines = 20
	maxLogLine  = 400
	maxMessage  = 2000
	maxHTML     = 8000
	tailTimeout = 5 * time.Second
)

// secrets finds what looks like a token of ours, or like what a server writes
// into its log as the token of a URL.
var secrets = regexp.MustCompile(`\b[0-9a-f]{32,}\b|([?&]token=)[^&\s"']+`)

// failure is why a start failed, for users.
func (m *Manager) failure(op *operation, s Server, cause error) Failure {
	f := Failure{
		At:      m.now().UTC(),
		Reason:  spawner.ReasonOf(cause),
		Status:  http.StatusInternalServerError,
		Message: "The server could not be started.",
		Log:     m.tail(op, s),
	}
	var told *spawner.Error
	if errors.As(cause, &told) {
		if told.Message != "" {
			f.Message = shownText(op, told.Message, maxMessage)
		}
		if status := told.HTTPStatus(); status >= 400 && status <= 599 {
			f.Status = status
		}
		if len(told.HTML) <= maxHTML {
			f.HTML = told.HTML
		}
	}
	return f
}

// tail is the end of the server's log, made fit to be shown.
func (m *Manager) tail(op *operation, s Server) []string {
	tailer, ok := op.settings.Spawner.(spawner.LogTailer)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(m.done, tailTimeout)
	defer cancel()
	lines, err := tailer.Tail(ctx, op.ref(s), maxLogLines)
	if err != nil {
		m.log.Debug("no log to show", "server", op.logName(), "error", err)
		return nil
	}
	lines = lines[max(0, len(lines)-maxLogLines):]
	shown := make([]string, len(lines))
	for i, line := range lines {
		shown[i] = shownText(op, line, maxLogLine)
	}
	return shown
}

// shownText is text of a spawner or a server as users may see it. Control
// characters go first: one inside a token would hide it.
func shownText(op *operation, text string, most int) string {
	return clip(redact(op, clean(text)), most)
}

func redact(op *operation, text string) string {
	if op.secret != "" {
		text = strings.ReplaceAll(text, op.secret, "[secret]")
	}
	return secrets.ReplaceAllString(text, "${1}[secret]")
}

// clean makes text valid UTF-8 without control characters but line breaks and tabs.
func clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c == utf8.RuneError || c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return -1
		}
		return c
	}, text)
}

// clip shortens text to a number of bytes.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// cancelled is the failure of a start that somebody has called off.
func cancelled(now time.Time) *Failure {
	return &Failure{
		At:      now,
		Reason:  spawner.ReasonCancelled,
		Status:  http.StatusConflict,
		Message: "The start was called off.",
	}
}

// event is the last event of the progress stream of a start that failed.
func (f *Failure) event() Event {
	if f == nil {
		return Event{Percent: 100, Failed: true, Message: "Spawn failed"}
	}
	if f.Cancelled() {
		return Event{Percent: 100, Failed: true, Message: "Spawn cancelled"}
	}
	message := "Spawn failed: " + f.Message
	shown := f.HTML
	if len(f.Log) > 0 {
		if shown == "" {
			shown = html.EscapeString(message)
		}
		shown += fmt.Sprintf("<pre>%s</pre>", html.EscapeString(strings.Join(f.Log, "\n")))
	}
	return Event{Percent: 100, Failed: true, Message: message, HTML: shown}
}
