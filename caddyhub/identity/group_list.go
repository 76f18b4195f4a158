package identity

import (
	"errors"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// groupNumbers leads from a number to a name, to list groups in the order of
// their creation.
var groupNumbers = store.Collection[string]{Kind: "group_number"}

// GroupQuery says which groups a list has. The zero query has none: that of all
// groups says so.
type GroupQuery struct {
	// All looks at every group; else only those named.
	All   bool
	Names []string
	// Offset and Limit choose a part of the list.
	Offset int
	Limit  int
}

// ListGroups returns a part of the groups in the order of their creation, and
// how many the query has in all, inside a View. It reads the records of the
// groups it returns and only an index of the others.
func ListGroups(r store.Reader, query GroupQuery) (page []Group, total int, err error) {
	var found []string
	if query.All || len(query.Names) > 0 {
		err = groupNumbers.Each(r, "", func(item store.Item[string]) error {
			if query.All || slices.Contains(query.Names, item.Value) {
				found = append(found, item.Value)
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	total = len(found)
	found = found[min(max(query.Offset, 0), total):]
	found = found[:min(max(query.Limit, 0), len(found))]
	page = make([]Group, len(found))
	for i, name := range found {
		if page[i], err = GetGroup(r, name); err != nil {
			return nil, 0, err
		}
	}
	return page, total, nil
}

// CreateGroup creates a group without members and roles, inside a transaction.
// ErrExists if there is one of that name, ErrName if none can have it.
func CreateGroup(w store.Writer, name string) (Group, error) {
	_, err := GetGroup(w, name)
	switch {
	case err == nil:
		return Group{}, existing("group", name)
	case !errors.Is(err, ErrNotFound):
		return Group{}, err
	}
	return ensureGroup(w, name)
}

// DeleteGroup removes a group from the store and from all its members, inside a
// transaction, or ErrNotFound.
func DeleteGroup(w store.Writer, name string) error {
	group, err := GetGroup(w, name)
	if err != nil {
		return err
	}
	members, err := Members(w, name)
	if err != nil {
		return err
	}
	if err := RemoveMembers(w, name, members); err != nil {
		return err
	}
	if err := indexRoles(w, memberGroup, name, group.Roles, nil); err != nil {
		return err
	}
	if err := groupNumbers.Delete(w, numberID(group.Number)); err != nil {
		return err
	}
	return groups.Delete(w, store.Join(name))
}

// putGroup writes a group unless nothing has changed.
func putGroup(w store.Writer, group Group) error {
	return putChanged(w, groups, store.Join(group.Name), group)
}

// newGroup writes a group that is not there yet.
func newGroup(w store.Writer, name string) (Group, error) {
	number, err := next(w, "group")
	if err != nil {
		return Group{}, err
	}
	group := Group{Name: name, Number: number}
	if err := groupNumbers.Put(w, numberID(number), name, time.Time{}); err != nil {
		return Group{}, err
	}
	return group, putGroup(w, group)
}
