package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// UserOrder is what a list of users is sorted by.
type UserOrder int

// The orders of lists of users (JupyterHub GET /users, "sort").
const (
	// ByCreation: the oldest user first.
	ByCreation UserOrder = iota
	// ByName: in the byte order of the names.
	ByName
	// ByActivity: who was never active first, then the longest ago.
	ByActivity
)

// UserQuery says which users a list has. The zero query has none: that of
// everybody says so.
type UserQuery struct {
	// Everybody looks at all users; else only those named or in one of the groups.
	Everybody bool
	Names     []string
	Groups    []string
	// NameContains keeps users whose name contains it, in any case.
	NameContains string
	// Keep, unless nil, says by name who is kept.
	Keep func(name string) bool
	// Order, and whether the other way round. Users that are equal in it are in
	// the order of their creation.
	Order      UserOrder
	Descending bool
	// Offset and Limit choose a part of what is left.
	Offset int
	Limit  int
}

// listed is a user as the index of numbers has it.
type listed struct {
	number uint64
	name   string
	active time.Time
}

// ListUsers returns the part of a query, and how many users the query has in
// all, inside a View. It reads the records of the users it returns and only an
// index of the others.
func (d *Directory) ListUsers(r store.Reader, query UserQuery) (page []User, total int, err error) {
	found, err := candidates(r, query)
	if err != nil {
		return nil, 0, err
	}
	if err := d.sortUsers(r, found, query); err != nil {
		return nil, 0, err
	}
	total = len(found)
	found = found[min(max(query.Offset, 0), total):]
	found = found[:min(max(query.Limit, 0), len(found))]
	page, err = usersOf(r, found)
	return page, total, err
}

// usersOf reads the records of users at once, and those of their activity for
// whoever asks next.
func usersOf(r store.Reader, found []listed) ([]User, error) {
	keys := make([]store.Key, 0, 2*len(found))
	for _, user := range found {
		keys = append(keys, UserKey(user.name))
	}
	for _, user := range found {
		keys = append(keys, activities.Key(ActivityOfUser(user.name)))
	}
	records, err := store.GetSeveral(r, keys)
	if err != nil {
		return nil, err
	}
	page := make([]User, len(found))
	for i, user := range found {
		opened, exists, err := OpenUser(records[i])
		if err == nil && !exists {
			err = notFound(store.ErrNotFound, "user", user.name)
		}
		if err != nil {
			return nil, err
		}
		page[i] = opened
	}
	return page, nil
}

// candidates are the users of a query in the order of their creation.
func candidates(r store.Reader, query UserQuery) ([]listed, error) {
	if !query.Everybody && len(query.Names)+len(query.Groups) == 0 {
		return nil, nil
	}
	wanted, err := wantedNames(r, query)
	if err != nil {
		return nil, err
	}
	part := strings.ToLower(query.NameContains)
	var found []listed
	err = userNumbers.Each(r, "", func(item store.Item[string]) error {
		name := item.Value
		switch {
		case !query.Everybody && !wanted[name],
			part != "" && !strings.Contains(strings.ToLower(name), part),
			query.Keep != nil && !query.Keep(name):
			return nil
		}
		found = append(found, listed{number: uint64(len(found)), name: name})
		return nil
	})
	return found, err
}

func wantedNames(r store.Reader, query UserQuery) (map[string]bool, error) {
	if query.Everybody {
		return nil, nil
	}
	wanted := make(map[string]bool)
	for _, name := range query.Names {
		wanted[name] = true
	}
	for _, group := range query.Groups {
		members, err := Members(r, group)
		if err != nil {
			return nil, err
		}
		for _, name := range members {
			wanted[name] = true
		}
	}
	return wanted, nil
}

func (d *Directory) sortUsers(r store.Reader, users []listed, query UserQuery) error {
	order := func(a, b listed) int { return cmp.Compare(a.number, b.number) }
	switch query.Order {
	case ByName:
		order = func(a, b listed) int { return strings.Compare(a.name, b.name) }
	case ByActivity:
		last, err := d.activity.ofUsers(r)
		if err != nil {
			return err
		}
		for i := range users {
			users[i].active = last[users[i].name]
		}
		order = func(a, b listed) int { return a.active.Compare(b.active) }
	}
	slices.SortStableFunc(users, func(a, b listed) int {
		if query.Descending {
			return order(b, a)
		}
		return order(a, b)
	})
	return nil
}

// ofUsers says of all users at once when they were last active.
func (a *Activity) ofUsers(r store.Reader) (map[string]time.Time, error) {
	last := make(map[string]time.Time)
	err := activities.Each(r, ActivityOfUser(""), func(item store.Item[moment]) error {
		parts, err := store.Split(item.ID)
		if err == nil && len(parts) == 2 {
			last[parts[1]] = item.Value.At
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, noted := range [...]map[string]time.Time{a.pending, a.written, a.before} {
		for id, at := range noted {
			parts, err := store.Split(id)
			if err == nil && len(parts) == 2 && parts[0] == "user" && at.After(last[parts[1]]) {
				last[parts[1]] = at
			}
		}
	}
	return last, nil
}
