package hub

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// serverSettings are the settings of servers, with the part that authenticators
// take in their life: the one that last logged the user in is asked.
func (p *parts) serverSettings(settings Settings) server.Settings {
	servers := settings.Servers
	if domain := settings.Domain; !domain.IsZero() {
		servers.UserOrigin = func(user string) string { return domain.Origin(domain.OfUser(user)) }
	}
	by := make(map[string]authenticator.Authenticator, len(settings.Authenticators))
	for _, named := range settings.Authenticators {
		by[named.Name] = named.Authenticator
	}
	servers.Hooks.PreSpawn = func(ctx context.Context, user identity.User, request *spawner.Request) error {
		hook, ok := by[user.Authenticator].(authenticator.StartHook)
		if !ok {
			return nil
		}
		state, err := p.directory.AuthState(user)
		if err != nil {
			return err
		}
		return preSpawn(ctx, hook, state, request)
	}
	servers.Hooks.PostStop = func(ctx context.Context, stopped server.Server) error {
		user, err := p.directory.User(ctx, stopped.User)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		hook, ok := by[user.Authenticator].(authenticator.StopHook)
		if !ok {
			return nil
		}
		state, err := p.directory.AuthState(user)
		if err != nil {
			return err
		}
		return hook.PostStop(ctx, authenticator.ServerUse{User: user.Name, Server: stopped.Name, AuthState: state})
	}
	p.observe(&servers.Hooks)
	return servers
}

// preSpawn lets an authenticator add to the environment of a server, or refuse
// its start with words for the user.
func preSpawn(ctx context.Context, hook authenticator.StartHook, state json.RawMessage, request *spawner.Request) error {
	added, err := hook.PreSpawn(ctx, authenticator.ServerUse{User: request.User, Server: request.Server, AuthState: state})
	var refusal *authenticator.Error
	if errors.As(err, &refusal) {
		status, message, _ := authenticator.Describe(err)
		return &spawner.Error{Reason: spawner.ReasonError, Message: message, Status: status, Err: err}
	}
	if err != nil {
		return err
	}
	if err := spawner.ValidateEnvironment(added); err != nil {
		return err
	}
	maps.Copy(request.Environment, added)
	return nil
}
