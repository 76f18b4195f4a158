package identity

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// roleMembers has an id of role, kind and name for every user, group and
// service that was assigned a role, so that a change of roles need not look at
// those who have none. It may know members that are gone; their own records
// decide.
var roleMembers = store.Collection[struct{}]{Kind: "role_member"}

// The kinds of members.
const (
	memberUser    = "user"
	memberGroup   = "group"
	memberService = "service"
)

// member is who may have a role.
type member struct{ kind, name string }

// assigned are the roles that make an entry in the index: all but "user",
// which everybody has.
func (u User) assigned() []string { return assigned(u.Roles, u.Admin) }

func (s Service) assigned() []string { return assigned(s.Roles, s.Admin) }

func assigned(roles []string, admin bool) []string {
	if admin && !slices.Contains(roles, RoleAdmin) {
		return append(slices.Clone(roles), RoleAdmin)
	}
	return roles
}

// indexRoles turns the index entries of a member from one list of roles into
// another.
func indexRoles(w store.Writer, kind, name string, before, after []string) error {
	for _, role := range before {
		if !slices.Contains(after, role) {
			if err := roleMembers.Delete(w, store.Join(role, kind, name)); err != nil {
				return err
			}
		}
	}
	for _, role := range after {
		if !slices.Contains(before, role) {
			if err := roleMembers.Put(w, store.Join(role, kind, name), struct{}{}, time.Time{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// roleHolders are all members in the index with the roles that it knows.
func roleHolders(r store.Reader) (map[member][]string, error) {
	holders := make(map[member][]string)
	err := roleMembers.Each(r, "", func(item store.Item[struct{}]) error {
		parts, err := store.Split(item.ID)
		if err != nil {
			return err
		}
		if len(parts) != 3 {
			return store.ErrType
		}
		who := member{parts[1], parts[2]}
		holders[who] = append(holders[who], parts[0])
		return nil
	})
	return holders, err
}

// putChanged puts a value unless the same stands there already: what a start
// does not change, it does not write.
func putChanged[T any](w store.Writer, c store.Collection[T], id string, value T) error {
	known, found, err := c.Find(w, id)
	if err != nil {
		return err
	}
	if found {
		before, err := json.Marshal(known)
		if err != nil {
			return err
		}
		if after, err := json.Marshal(value); err != nil || bytes.Equal(before, after) {
			return err
		}
	}
	return c.Put(w, id, value, time.Time{})
}
