package identity

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Group is a named set of users with roles and properties of its own.
type Group struct {
	Name string `json:"name"`
	// Number counts groups in the order of their creation.
	Number uint64 `json:"number"`
	// Roles that every member has; sorted.
	Roles []string `json:"roles,omitempty"`
	// Properties is any JSON object, for spawners and authenticators.
	Properties json.RawMessage `json:"properties,omitempty"`
}

var (
	groups = store.Collection[Group]{Kind: KindGroup}
	// groupMembers has an id of group and user for every membership, the other
	// direction of User.Groups.
	groupMembers = store.Collection[struct{}]{Kind: "group_member"}
)

// GetGroup returns a group inside a transaction, or ErrNotFound.
func GetGroup(r store.Reader, name string) (Group, error) {
	id, err := keyOf("group", name)
	if err != nil {
		return Group{}, err
	}
	group, err := groups.Get(r, id)
	return group, notFound(err, "group", name)
}

// Members returns the names of a group's users, sorted by their escaped form.
func Members(r store.Reader, group string) ([]string, error) {
	var members []string
	err := groupMembers.Each(r, store.Under(group), func(item store.Item[struct{}]) error {
		parts, err := store.Split(item.ID)
		if err != nil {
			return err
		}
		members = append(members, parts[1])
		return nil
	})
	return members, err
}

// SetGroups makes a user a member of exactly these groups, inside a
// transaction. Groups that do not exist are created, as a login whose
// authenticator manages groups does.
func SetGroups(w store.Writer, user *User, names []string) error {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		if _, err := ensureGroup(w, name); err != nil {
			return err
		}
		if !slices.Contains(user.Groups, name) {
			if err := groupMembers.Put(w, store.Join(name, user.Name), struct{}{}, time.Time{}); err != nil {
				return err
			}
		}
	}
	for _, name := range user.Groups {
		if !slices.Contains(names, name) {
			if err := groupMembers.Delete(w, store.Join(name, user.Name)); err != nil {
				return err
			}
		}
	}
	user.Groups = names
	return putUser(w, *user)
}

// SetGroups makes a user a member of exactly these groups.
func (d *Directory) SetGroups(ctx context.Context, user string, names []string) (changed User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		if changed, err = GetUser(w, user); err != nil {
			return err
		}
		return SetGroups(w, &changed, names)
	})
	return changed, err
}

func ensureGroup(w store.Writer, name string) (Group, error) {
	if err := CheckName(name); err != nil {
		return Group{}, err
	}
	group, found, err := groups.Find(w, store.Join(name))
	if err != nil || found {
		return group, err
	}
	return newGroup(w, name)
}
