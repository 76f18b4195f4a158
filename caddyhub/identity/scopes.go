package identity

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Check asks scopes about a resource. An error is trouble with the store: what
// scopes would say then must not be taken for a no.
func Check(r store.Reader, held scope.Set, name string, on scope.Resource) (scope.Access, error) {
	groups, failed := Memberships(r)
	access := held.Check(name, on, groups)
	return access, failed()
}

// Missing are those of the wanted scopes that are not held. An error is trouble
// with the store.
func Missing(r store.Reader, wanted, held scope.Set) ([]string, error) {
	groups, failed := Memberships(r)
	missing := wanted.Missing(held, groups)
	return missing, failed()
}

// Memberships is the lookup of a user's groups that scopes need. After they
// were asked, failed returns the first error of the store, and what they
// answered counts only if there is none.
func Memberships(r store.Reader) (groups scope.GroupsOf, failed func() error) {
	var problem error
	groups = func(user string) []string {
		found, err := GetUser(r, user)
		if err != nil && !errors.Is(err, ErrNotFound) && problem == nil {
			problem = err
		}
		return found.Groups
	}
	return groups, func() error { return problem }
}

// userScopes are the effective scopes of a user: of the own roles and of the
// roles of all groups.
func (d *Directory) userScopes(r store.Reader, user User) (expansion, error) {
	names := user.RoleNames()
	for _, name := range user.Groups {
		group, exists, err := find(d.decoded.groups, groups, r, store.Join(name))
		if err != nil {
			return expansion{}, err
		}
		if exists {
			names = append(names, group.Roles...)
		}
	}
	return d.scopesOfRoles(r, names, UserOwner(user.Name))
}

func (d *Directory) serviceScopes(r store.Reader, service Service) (expansion, error) {
	names := slices.Clone(service.Roles)
	if service.Admin {
		names = append(names, RoleAdmin)
	}
	return d.scopesOfRoles(r, names, ServiceOwner(service.Name))
}

// RoleScopes are the scopes that roles together give an owner, inside a
// transaction.
func (d *Directory) RoleScopes(r store.Reader, names []string, owner Owner) (scope.Set, error) {
	found, err := d.scopesOfRoles(r, slices.Clone(names), owner)
	return found.set, err
}

// scopesOfRoles are the scopes of roles together. A role that no longer exists
// gives none.
func (d *Directory) scopesOfRoles(r store.Reader, names []string, owner Owner) (expansion, error) {
	slices.Sort(names)
	var raw []string
	for _, name := range slices.Compact(names) {
		role, exists, err := d.role(r, name)
		if err != nil {
			return expansion{}, err
		}
		if exists {
			raw = append(raw, role.Scopes...)
		}
	}
	slices.Sort(raw)
	return d.expand(slices.Compact(raw), owner), nil
}

// OwnerScopes are the effective scopes of a user or service, inside a
// transaction. ErrNotFound if there is none of that name.
func (d *Directory) OwnerScopes(r store.Reader, owner Owner) (scope.Set, error) {
	held, err := d.ownerScopes(r, owner)
	return held.set, err
}

func (d *Directory) ownerScopes(r store.Reader, owner Owner) (expansion, error) {
	if owner.User != "" {
		user, err := d.user(r, owner.User)
		if err != nil {
			return expansion{}, err
		}
		return d.userScopes(r, user)
	}
	service, err := d.service(r, owner.Service)
	if err != nil {
		return expansion{}, err
	}
	return d.serviceScopes(r, service)
}

// expand never fails for the sake of one bad scope: a role that names a scope
// which no longer exists gives its other scopes.
func (d *Directory) expand(raw []string, owner Owner) expansion {
	settings, whose := d.settings.Load(), owner.scopeOwner(scope.Client{})
	argument := argumentOf(raw, owner.User, owner.Service)
	if set, known := settings.expanded.owners.get(argument); known {
		return expansion{set, argument, settings}
	}
	set, dropped, err := settings.Definitions.Expand(raw, whose)
	d.logDropped(slog.LevelWarn, whose, dropped, err)
	settings.expanded.owners.put(argument, set)
	return expansion{set, argument, settings}
}

// cut is what a token with these scopes, issued to this client, may do of what
// its owner may. The result is remembered unless it depends on memberships.
func (d *Directory) cut(r store.Reader, raw []string, owner Owner, client scope.Client, held expansion) (scope.Set, error) {
	if slices.Contains(raw, scope.Inherit) {
		return held.set, nil
	}
	settings, whose := held.settings, owner.scopeOwner(client)
	argument := argumentOf(raw, owner.User, owner.Service, client.Service, client.Server.User, client.Server.Name, string(held.argument))
	if set, known := settings.expanded.cuts.get(argument); known {
		return set, nil
	}
	lookup, failed := Memberships(r)
	asked := false
	set, dropped, err := settings.Definitions.Token(raw, whose, held.set, func(user string) []string {
		asked = true
		return lookup(user)
	})
	if err := failed(); err != nil {
		return scope.Set{}, err
	}
	d.logDropped(slog.LevelDebug, whose, dropped, err)
	if !asked {
		settings.expanded.cuts.put(argument, set)
	}
	return set, nil
}

// argumentOf writes texts such that different ones never look the same.
func argumentOf(list []string, texts ...string) []byte {
	return appendTexts(appendTexts(make([]byte, 0, 512), texts...), list...)
}

// appendTexts appends each text with its length.
func appendTexts(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return to
}

func (d *Directory) logDropped(level slog.Level, owner scope.Owner, dropped []scope.Dropped, err error) {
	if len(dropped) == 0 && err == nil || !d.log.Enabled(context.Background(), level) {
		return
	}
	d.log.Log(context.Background(), level, "scopes without effect were dropped",
		"user", owner.User, "service", owner.Service, "dropped", dropped, "error", err)
}
