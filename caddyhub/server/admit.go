package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxOptions bounds what a user can make every read of the record cost, in bytes.
const maxOptions = 64 << 10

// cleanWait is how long Start waits for the remains of a server that has ended
// unnoticed.
const cleanWait = 10 * time.Second

// Start begins to start a server and returns at once; Wait tells the outcome.
// Options are the user's choices, a JSON object; nil means those of the last
// time. Refusals are an *Error of the kinds ErrUser, ErrPending, ErrRunning,
// ErrNamedDisabled, ErrNamedLimit, ErrName, ErrOptions, ErrSpawnLimit,
// ErrActiveLimit and ErrAuthExpired.
func (m *Manager) Start(ctx context.Context, user, name string, options json.RawMessage) error {
	begun := m.now()
	err := m.start(ctx, user, name, options)
	if hook := m.settings.Load().Hooks.Refused; hook != nil && err != nil {
		hook(user, name, m.now().Sub(begun), err)
	}
	return err
}

func (m *Manager) start(ctx context.Context, user, name string, options json.RawMessage) error {
	request, err := m.newRequest(user, name, options)
	if err != nil {
		return err
	}
	if err := m.refresh(ctx, user); err != nil {
		return err
	}
	err = m.admit(ctx, request)
	if !errors.Is(err, ErrRunning) {
		return err
	}
	// It is running as far as anybody knows: look.
	s, failed := m.Check(ctx, user, name)
	if failed != nil {
		return failed
	}
	if s.Ready {
		return err
	}
	if _, err := m.Wait(ctx, user, name, cleanWait); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return m.admit(ctx, request)
}

// MayStart says, without starting anything, why a start would be refused
// whatever the options: for whoever asks for them first. The refusals are those
// of Start but ErrOptions, ErrSpawnLimit, ErrActiveLimit and ErrAuthExpired.
func (m *Manager) MayStart(ctx context.Context, user, name string) error {
	wanted, err := m.newRequest(user, name, nil)
	if err != nil {
		return err
	}
	return m.store.View(ctx, func(r store.Reader) error {
		s, err := Get(r, user, name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		switch {
		case s.Pending != PendingNone:
			return isPending(s)
		case s.Ready:
			return isRunning(s)
		}
		return checkNamed(r, wanted, err == nil)
	})
}

// refresh asks the authenticator about the user before anything is begun.
func (m *Manager) refresh(ctx context.Context, user string) error {
	hook := m.settings.Load().Hooks.Refresh
	if hook == nil {
		return nil
	}
	found, err := m.directory.User(ctx, user)
	if errors.Is(err, identity.ErrNotFound) {
		return noUser(user)
	}
	if err != nil {
		return err
	}
	return hook(ctx, found)
}

// request is a wish for a start that is well-formed.
type request struct {
	user, name string
	options    json.RawMessage
	route      route.Spec
	settings   Settings
}

func (m *Manager) newRequest(user, name string, options json.RawMessage) (request, error) {
	r := request{user: user, name: name, settings: *m.settings.Load()}
	spec, err := r.settings.spec(user, name)
	long := len(hubpath.ClientID(user, name)) > store.MaxKeyLength/4
	switch {
	case bytes.ContainsRune([]byte(name), '/'):
		return r, refuse(ErrName, http.StatusBadRequest, "Invalid server_name (may not contain '/'): %s", name)
	case (err != nil || long) && name == "":
		return r, refuse(ErrName, http.StatusBadRequest, "A user of this name cannot have servers: %s", user)
	case err != nil || long:
		return r, refuse(ErrName, http.StatusBadRequest, "Invalid server_name: %s", name)
	}
	r.route = spec
	r.options, err = userOptions(options)
	return r, err
}

// userOptions accepts a JSON object; nothing and null mean nil.
func userOptions(options json.RawMessage) (json.RawMessage, error) {
	trimmed := bytes.TrimSpace(options)
	if len(trimmed) == 0 || string(trimmed) == "null" {
		return nil, nil
	}
	if len(trimmed) > maxOptions || trimmed[0] != '{' || !json.Valid(trimmed) {
		return nil, refuse(ErrOptions, http.StatusBadRequest, "Invalid user options")
	}
	return slices.Clone(trimmed), nil
}

// admit records the start and begins it.
func (m *Manager) admit(ctx context.Context, r request) error {
	if m.quiet.Err() != nil {
		return ErrClosed
	}
	select {
	case m.admission <- struct{}{}:
		defer func() { <-m.admission }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var op *operation
	err := m.update(ctx, func(w store.Writer) error {
		s, err := m.admissible(w, r)
		if err != nil {
			return err
		}
		secret := newSecret()
		if err := m.record(w, r, &s, secret); err != nil {
			return err
		}
		op = m.operation(s, secret)
		return nil
	})
	if err != nil {
		return err
	}
	// Starting and stopping a server is activity of its user, whoever does it.
	m.directory.Activity().Touch(identity.ActivityOfUser(r.user), m.now())
	m.begin(op)
	m.watch.wake(op.id())
	return nil
}

// admissible returns the server that is to be started, or why it must not be.
func (m *Manager) admissible(r store.Reader, wanted request) (Server, error) {
	user, err := identity.GetUser(r, wanted.user)
	if errors.Is(err, identity.ErrNotFound) {
		return Server{}, noUser(wanted.user)
	}
	if err != nil {
		return Server{}, err
	}
	s, found, err := servers.Find(r, store.Join(wanted.user, wanted.name))
	if err != nil {
		return Server{}, err
	}
	if found && s.Stopped() && s.UserNumber != user.Number {
		// It was that of an earlier user of the same name.
		found, s = false, Server{Fence: s.Fence}
	}
	if err := checkNamed(r, wanted, found); err != nil {
		return Server{}, err
	}
	switch {
	case s.Pending != PendingNone:
		return Server{}, isPending(s)
	case s.Ready:
		return Server{}, isRunning(s)
	}
	if err := checkLimits(r, wanted.settings.Limits); err != nil {
		return Server{}, err
	}
	options := wanted.options
	if options == nil && found {
		options = s.UserOptions
	}
	if _, err := wanted.settings.personal(user, options); err != nil {
		return Server{}, badOptions(err)
	}
	if !found {
		s = Server{User: user.Name, Name: wanted.name, UserNumber: user.Number, Created: m.now().UTC(), Fence: s.Fence}
	}
	return s, nil
}

// record writes all that a start is before anything runs: the server, its
// token and OAuth client, the lease, and the first word of its progress.
func (m *Manager) record(w store.Writer, r request, s *Server, secret string) error {
	now := m.now().UTC()
	s.SpawnID, s.Node = spawner.NewSpawnID(), m.self.Node
	s.Pending, s.PendingSince, s.Started = PendingSpawn, now, now
	s.Route, s.URL, s.State = r.route, "", nil
	s.Failure, s.Tried, s.Remove = nil, nil, false
	if r.options != nil {
		s.UserOptions = r.options
	}
	if err := m.credentials(w, r, s, secret); err != nil {
		return err
	}
	if err := m.directory.Activity().Set(w, identity.ActivityOfServer(s.User, s.Name), now); err != nil {
		return err
	}
	if err := m.acquire(w, s); err != nil {
		return err
	}
	first := progress{SpawnID: s.SpawnID, Events: []Event{{Message: "Server requested"}}}
	if err := progresses.Put(w, s.id(), first, time.Time{}); err != nil {
		return err
	}
	return put(w, *s)
}
