package oauth

import (
	"errors"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// identify is JupyterHub's old scope for being identified, which is always
// granted. It is accepted and means nothing.
const identify = "identify"

// badScope is told to a client whose request names a scope that does not exist
// or that it may not ask for.
var badScope = refuseByRedirect(invalidScope, "")

// granter decides about scopes inside one transaction.
type granter struct {
	reader      store.Reader
	definitions *scope.Definitions
	owner       scope.Owner
	// allowed is what the client may ask for, unexpanded.
	allowed []string
	// limited says that the login has less than its user.
	limited bool
}

func newGranter(r store.Reader, definitions *scope.Definitions, visitor *identity.Identity, client identity.OAuthClient) *granter {
	return &granter{
		reader:      r,
		definitions: definitions,
		owner:       scope.Owner{User: visitor.Name(), Client: client.Target},
		allowed:     client.AllowedScopes,
		limited:     visitor.Limited(),
	}
}

// required is what every login grants: to be identified, and the access to the
// client itself.
func (g *granter) required() []string {
	return append(scope.AccessScopes(g.owner.Client).Strings(), "read:users:groups!user", "read:users:name!user")
}

// grant returns which scopes a request gets, unexpanded and sorted: what client
// and user both have. Beyond the client is a refusal, beyond the user is
// silently left out (JupyterHub 3.2).
func (g *granter) grant(requested []string, held scope.Set) ([]string, error) {
	requested, err := g.requested(requested)
	if err != nil {
		return nil, err
	}
	requested = append(requested, g.required()...)
	granted, refused, err := g.resolve(requested, append(g.known(g.allowed), g.required()...))
	if err != nil {
		return nil, err
	}
	if len(refused) > 0 {
		return nil, badScope
	}
	own, err := g.ofUser(held)
	if err != nil {
		return nil, err
	}
	granted, _, err = g.resolve(granted, append(own, g.required()...))
	return granted, err
}

// narrow returns which of the scopes that were offered the visitor agreed to.
// More than was offered is a refusal.
func (g *granter) narrow(agreed, offered []string) ([]string, error) {
	agreed = slices.DeleteFunc(slices.Clone(agreed), func(text string) bool { return text == identify })
	granted, refused, err := g.resolve(append(agreed, g.required()...), offered)
	if err == nil && len(refused) > 0 {
		err = badScope
	}
	return granted, err
}

// resolve is Definitions.Resolve; its error is a refusal or trouble with the
// store.
func (g *granter) resolve(requested, allowed []string) (granted, refused []string, err error) {
	groups, failed := identity.Memberships(g.reader)
	granted, refused, err = g.definitions.Resolve(requested, allowed, g.owner, groups)
	if trouble := failed(); trouble != nil {
		return nil, nil, trouble
	}
	if err != nil {
		return nil, nil, badScope
	}
	return granted, refused, nil
}

// requested are the scopes that a request asks for. Nothing means all that the
// client may have. Unless all are scopes, all are names of roles, as clients of
// JupyterHub 2 sent them.
func (g *granter) requested(texts []string) ([]string, error) {
	if len(texts) == 0 {
		return g.known(g.allowed), nil
	}
	texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == identify })
	if len(g.known(texts)) == len(texts) {
		return texts, nil
	}
	var all []string
	for _, name := range texts {
		role, err := identity.GetRole(g.reader, name)
		if errors.Is(err, identity.ErrNotFound) {
			return nil, badScope
		}
		if err != nil {
			return nil, err
		}
		all = append(all, role.Scopes...)
	}
	return g.known(all), nil
}

// ofUser is all that the user has: the scopes of the roles as they are written,
// so that a request for one of them is granted as it is written, and what they
// mean. A token that inherits has what its owner has. A login with a limit has what
// its scopes mean and nothing else: a token would not know of the limit.
func (g *granter) ofUser(held scope.Set) ([]string, error) {
	if g.limited {
		return g.known(held.Strings()), nil
	}
	user, err := identity.GetUser(g.reader, g.owner.User)
	if err != nil {
		return nil, err
	}
	names := user.RoleNames()
	for _, name := range user.Groups {
		group, err := identity.GetGroup(g.reader, name)
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return nil, err
		}
		names = append(names, group.Roles...)
	}
	own := append(held.Strings(), scope.Inherit)
	for _, name := range names {
		role, err := identity.GetRole(g.reader, name)
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return nil, err
		}
		own = append(own, role.Scopes...)
	}
	return g.known(own), nil
}

// mayAccess says whether the user may use what the client stands for.
func (g *granter) mayAccess(held scope.Set) (bool, error) {
	name, on := "access:services", scope.OnService(g.owner.Client.Service)
	if server := g.owner.Client.Server; !server.IsZero() {
		name, on = "access:servers", scope.OnServer(server.User, server.Name)
	}
	access, err := identity.Check(g.reader, held, name, on)
	return err == nil && access == scope.Granted, err
}

// known are those of the texts that are scopes; one that was taken out of the
// configuration must not spoil the others.
func (g *granter) known(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
		_, err := g.definitions.Parse(text)
		return err != nil
	})
}

// describe explains what is granted beyond being identified and access to the
// client itself, and returns the scopes that the form posts.
func (g *granter) describe(granted []string) (posted []string, permissions []scope.Description) {
	if slices.Contains(granted, scope.Inherit) {
		// Everything: what else is granted does not matter beside it.
		granted = []string{scope.Inherit}
	}
	required := g.required()
	for _, text := range granted {
		if slices.Contains(required, text) {
			continue
		}
		parsed, err := g.definitions.Parse(text)
		if err != nil {
			continue
		}
		if description, ok := g.definitions.Describe(parsed, g.owner.User); ok {
			permissions = append(permissions, description)
		}
	}
	return granted, permissions
}
