package cull

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// pageSize is how many servers or users are read at once.
	pageSize = 200
	// storeTimeout bounds one call to the store.
	storeTimeout = 10 * time.Second
	// stopWait is how long a pass waits for one server to be gone. A slow one
	// goes on stopping; its user is looked at in the next pass.
	stopWait = 30 * time.Second
)

// pass looks at every server, and then at every user.
func (c *Culler) pass(ctx context.Context, settings Settings) error {
	stops := &stops{of: make(map[string]stop)}
	if err := c.passServers(ctx, settings, stops); err != nil || !settings.Users {
		return err
	}
	return c.passUsers(ctx, settings, stops)
}

func (c *Culler) passServers(ctx context.Context, settings Settings, stops *stops) error {
	room := newRoom(settings.concurrency())
	defer room.wait()
	user, name := "", ""
	for {
		list, err := c.options.Servers.Active(ctx, user, name, pageSize)
		if err != nil {
			return err
		}
		for _, s := range list {
			user, name = s.User, s.Name
			if s.Pending != server.PendingNone || !s.Ready {
				continue
			}
			reason, err := c.judgeServer(ctx, settings, s)
			if err != nil {
				return err
			}
			if reason != "" && !room.do(ctx, func() { c.cullServer(ctx, settings, stops, s, reason) }) {
				return ctx.Err()
			}
		}
		if len(list) < pageSize {
			return nil
		}
	}
}

// judgeServer asks when a server was last active, or a person with it, at the
// latest moment.
func (c *Culler) judgeServer(ctx context.Context, settings Settings, s server.Server) (reason string, err error) {
	measure := identity.ActivityOfServer
	if settings.ByInteraction {
		measure = identity.InteractionWithServer
	}
	last, err := c.last(ctx, measure(s.User, s.Name))
	if last.Before(s.Started) {
		last = s.Started
	}
	kept := s.Name == "" && settings.KeepDefaultServers || s.Name != "" && settings.KeepNamedServers
	return settings.judge(subject{idle: last, born: s.Started, kept: kept}, c.options.Now(), c.watched()), err
}

func (c *Culler) cullServer(ctx context.Context, settings Settings, stops *stops, s server.Server, reason string) {
	// It may have waited for its turn.
	again, err := c.judgeServer(ctx, settings, s)
	if err == nil && again == "" {
		return
	}
	var before time.Time
	if err == nil {
		before, err = c.last(ctx, identity.ActivityOfUser(s.User))
	}
	done := false
	if err == nil {
		done, err = c.options.Servers.Stop(ctx, s.User, s.Name, settings.RemoveNamedServers && s.Name != "")
	}
	c.record(ctx, "server.cull", audit.ServerOf(s.User, s.Name), reason, err)
	if err == nil && !done {
		// Whoever has gone can be deleted in the same pass.
		_, _ = c.options.Servers.Wait(ctx, s.User, s.Name, stopWait)
	}
	if after, err := c.last(ctx, identity.ActivityOfUser(s.User)); err == nil {
		stops.add(s.User, stop{before, after})
	}
}

func (c *Culler) passUsers(ctx context.Context, settings Settings, stops *stops) error {
	busy, err := c.busy(ctx)
	if err != nil {
		return err
	}
	room := newRoom(settings.concurrency())
	defer room.wait()
	after := uint64(0)
	for {
		list, err := c.options.Directory.Users(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, user := range list {
			after = user.Number
			if busy[user.Name] {
				continue
			}
			reason, err := c.judgeUser(ctx, settings, stops, user)
			if err != nil {
				return err
			}
			if reason != "" && !room.do(ctx, func() { c.cullUser(ctx, user, reason) }) {
				return ctx.Err()
			}
		}
		if len(list) < pageSize {
			return nil
		}
	}
}

// busy are the users who have a server that is not stopped.
func (c *Culler) busy(ctx context.Context) (map[string]bool, error) {
	users := make(map[string]bool)
	user, name := "", ""
	for {
		list, err := c.options.Servers.Active(ctx, user, name, pageSize)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			user, name = s.User, s.Name
			users[s.User] = true
		}
		if len(list) < pageSize {
			return users, nil
		}
	}
}

func (c *Culler) judgeUser(ctx context.Context, settings Settings, stops *stops, user identity.User) (reason string, err error) {
	last, err := c.last(ctx, identity.ActivityOfUser(user.Name))
	last = stops.without(user.Name, last)
	if last.IsZero() {
		last = user.Created
	}
	kept := user.Admin && settings.KeepAdmins
	return settings.judge(subject{idle: last, born: user.Created, kept: kept}, c.options.Now(), c.watched()), err
}

func (c *Culler) cullUser(ctx context.Context, user identity.User, reason string) {
	err := c.options.DeleteUser(ctx, user.Name)
	if errors.Is(err, identity.ErrNotFound) {
		return
	}
	c.record(ctx, "user.cull", audit.Target{User: user.Name}, reason, err)
}

func (c *Culler) last(ctx context.Context, name string) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	directory := c.options.Directory
	err = directory.Store().View(ctx, func(r store.Reader) error {
		at, err = directory.Activity().Last(r, name)
		return err
	})
	return at, err
}

// record tells what was done, or was not.
func (c *Culler) record(ctx context.Context, action string, target audit.Target, reason string, err error) {
	event := audit.Event{Action: action, Target: target, Reason: reason}
	log := c.options.Log.With("user", target.User, "reason", reason)
	if target.Server != nil {
		log = log.With("server", *target.Server)
	}
	if err != nil {
		event.Outcome, event.Reason = audit.Failure, fmt.Sprintf("%s: %v", reason, err)
		log.Warn("not culled", "action", action, "error", err)
	} else {
		log.Info("culled", "action", action)
		if c.options.Culled != nil {
			kind, _, _ := strings.Cut(action, ".")
			c.options.Culled(kind, reason)
		}
	}
	c.options.Audit.Record(ctx, event)
}

// room bounds how many are culled at once.
type room struct {
	places chan struct{}
	inside sync.WaitGroup
}

func newRoom(size int) *room { return &room{places: make(chan struct{}, size)} }

// do runs work when there is a place; false if ctx ends before.
func (r *room) do(ctx context.Context, work func()) bool {
	select {
	case r.places <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	r.inside.Go(func() {
		defer func() { <-r.places }()
		work()
	})
	return true
}

func (r *room) wait() { r.inside.Wait() }
