package app

import (
	"log/slog"

	"go.uber.org/zap/exp/zapslog"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
)

// auditName is the name of the logger of what somebody has changed, for "include"
// and "exclude" in a log of Caddy.
const auditName = "caddyhub.audit"

// auditLog is that logger. Like any other it writes to every log that does not
// leave it out.
func (a *App) auditLog() *slog.Logger {
	return slog.New(zapslog.NewHandler(a.ctx.Logger().Core(), zapslog.WithName(auditName), zapslog.AddStacktraceAt(slog.Level(127))))
}

// telemetrySettings are those of logs, metrics, culling and WebSockets.
func (a *App) telemetrySettings(settings *hub.Settings) {
	settings.Log, settings.Audit = a.log, a.auditLog()
	settings.MetricsForAll = a.AuthenticatePrometheus != nil && !*a.AuthenticatePrometheus
	settings.TokenSockets = a.AllowWebSocketCookieAuth != nil && !*a.AllowWebSocketCookieAuth
	settings.Cull = a.cullSettings()
}

// showMetrics has Caddy's own endpoint for metrics show those of the hub too. The
// registry belongs to this configuration; the metrics outlive it.
func (a *App) showMetrics() {
	if err := a.ctx.GetMetricsRegistry().Register(a.hub.Metrics()); err != nil {
		a.log.Warn("the metrics of the hub are not among those of Caddy", "error", err)
	}
}
