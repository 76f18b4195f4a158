package hub

import (
	"context"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/telemetry"
)

// observe tells metrics and audit log of the life of servers.
func (p *parts) observe(hooks *server.Hooks) {
	hooks.Spawned = func(s server.Server, took time.Duration, reason spawner.Reason) {
		event := audit.Event{
			Action: "server.started", Target: audit.ServerOf(s.User, s.Name), Took: took, Reason: string(reason),
			Outcome: audit.Success,
		}
		status := telemetry.SpawnSuccess
		if reason != "" {
			status, event.Outcome = telemetry.SpawnFailure, audit.Failure
		}
		p.metrics.Spawned(status, took)
		p.audit.Record(context.Background(), event)
	}
	hooks.Stopped = func(s server.Server, took time.Duration, err error) {
		event := audit.Event{Action: "server.stopped", Target: audit.ServerOf(s.User, s.Name), Took: took}
		if err != nil {
			event.Outcome, event.Reason = audit.Failure, "the spawner could not stop it; tried again"
		}
		p.metrics.Stopped(took, err)
		p.audit.Record(context.Background(), event)
	}
	hooks.Refused = func(_, _ string, took time.Duration, err error) {
		if status := refusedAs(err); status != "" {
			p.metrics.Spawned(status, took)
		}
	}
	hooks.Polled = p.metrics.Polled
	hooks.RouteAdded, hooks.RouteDeleted = p.metrics.RouteAdded, p.metrics.RouteDeleted
	hooks.Initialized = p.metrics.Initialized
}

// refusedAs is what JupyterHub calls a start that was refused; empty if it does
// not count it.
func refusedAs(err error) telemetry.SpawnStatus {
	switch {
	case errors.Is(err, server.ErrPending):
		return telemetry.SpawnPending
	case errors.Is(err, server.ErrSpawnLimit):
		return telemetry.SpawnThrottled
	case errors.Is(err, server.ErrActiveLimit):
		return telemetry.SpawnTooMany
	}
	return ""
}

// watch says where the metrics read what they do not count.
func (p *parts) watch() {
	p.sockets.Closed(p.metrics.SocketClosed)
	pending := func() int { return p.census.Count(server.KindPending) }
	p.metrics.Watch(telemetry.Gauges{
		Users: func() int { return p.census.Count(identity.KindUserNumber) },
		// Active is what is ready or pending, and nothing is both.
		RunningServers: func() int { return max(0, p.census.Count(server.KindActive)-pending()) },
		PendingServers: pending,
		OpenSockets:    p.sockets.Len,
		InTouch:        p.census.InTouch,
	})
}

// activeEvery is how often active users are counted, which reads the activity of
// all (JupyterHub's active_users_update_interval).
const activeEvery = time.Hour

// countActive counts active users until ctx ends.
func (h *Hub) countActive(ctx context.Context, p *parts) {
	ticker := time.NewTicker(activeEvery)
	defer ticker.Stop()
	for {
		if err := p.countActiveNow(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("active users not counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *parts) countActiveNow(ctx context.Context) error {
	now := time.Now()
	since := make([]time.Time, len(telemetry.Periods))
	for i, period := range telemetry.Periods {
		since[i] = now.Add(-period.Length)
	}
	var counts []int
	err := p.directory.Store().View(ctx, func(r store.Reader) (err error) {
		counts, err = p.directory.Activity().CountUsers(r, since...)
		return err
	})
	for i, count := range counts {
		p.metrics.ActiveUsers(telemetry.Periods[i].Name, count)
	}
	return err
}

func outcomeOf(err error) audit.Outcome {
	if err != nil {
		return audit.Failure
	}
	return audit.Success
}

// recordConfiguration tells what a configuration has put in force.
func (p *parts) recordConfiguration(ctx context.Context, settings Settings, err error) {
	c := settings.Configuration
	var roles, groups, services []string
	for _, role := range c.Roles {
		roles = append(roles, role.Name)
	}
	for _, group := range c.Groups {
		groups = append(groups, group.Name)
	}
	for _, service := range c.Services {
		services = append(services, service.Name)
	}
	event := audit.Event{Action: "configuration.apply", Details: map[string]any{
		"admins": c.Admins, "roles": roles, "groups": groups, "services": services,
	}}
	if err != nil {
		event.Outcome, event.Reason = audit.Failure, err.Error()
	}
	p.audit.Record(ctx, event)
}
