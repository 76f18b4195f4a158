package userlist

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Reading is the list at one moment, good inside Read only.
type Reading struct {
	users    *users
	activity *identity.Activity
}

// Read calls use with the list as it is now, or returns false if the store has
// to be asked, as always with a nil List. use must be quick, and neither write to
// the store nor read it: while it runs, changes wait.
func (l *List) Read(ctx context.Context, use func(Reading)) bool {
	if l == nil || l.watched == nil || !l.watched.Trusted() || l.catchUp(ctx) != nil {
		return false
	}
	l.mu.RLock()
	for l.users.inOrder[Any] == nil {
		l.mu.RUnlock()
		l.mu.Lock()
		l.users.sort()
		l.mu.Unlock()
		l.mu.RLock()
	}
	defer l.mu.RUnlock()
	use(Reading{l.users, l.activity})
	return true
}

// User is the entry of a user; nil if there is none.
func (r Reading) User(name string) *Entry {
	if n := r.users.byName[name]; n != nil {
		return n.entry
	}
	return nil
}

// LastActivity is when the user of an entry was last active; zero if never.
func (r Reading) LastActivity(e *Entry) time.Time { return r.last(e.activity[0]) }

// LastServerActivity is when Servers[i] of an entry was last active; zero if
// never.
func (r Reading) LastServerActivity(e *Entry, i int) time.Time { return r.last(e.activity[i+1]) }

func (r Reading) last(name string) time.Time { return r.activity.Newer(name, r.users.times[name]) }

// Query says which users a page has.
type Query struct {
	// UserQuery as for the store, without Keep.
	identity.UserQuery
	// State of the servers.
	State State
}

// Select returns the part of a query, and how many users it has in all, as
// identity.Directory.ListUsers does.
func (r Reading) Select(query Query) (page []*Entry, total int) {
	found := r.candidates(query)
	switch {
	case query.Order == identity.ByName:
		found = sorted(found, query.Descending, func(e *Entry) string { return e.User.Name }, strings.Compare)
	case query.Order == identity.ByActivity:
		found = sorted(found, query.Descending, r.LastActivity, time.Time.Compare)
	}
	total = len(found)
	from := min(max(query.Offset, 0), total)
	to := min(from+max(query.Limit, 0), total)
	if query.Order == identity.ByCreation && query.Descending {
		page = slices.Clone(found[total-to : total-from])
		slices.Reverse(page)
		return page, total
	}
	return found[from:to], total
}

// candidates are the users of a query in the order of their creation.
func (r Reading) candidates(query Query) []*Entry {
	all := r.users.inOrder[query.State]
	if query.Everybody && query.NameContains == "" {
		return all
	}
	part := strings.ToLower(query.NameContains)
	names, groups := setOf(query.Names), setOf(query.Groups)
	var found []*Entry
	for _, e := range all {
		if (query.Everybody || names[e.User.Name] || slices.ContainsFunc(e.User.Groups, groups.has)) && (part == "" || strings.Contains(strings.ToLower(e.User.Name), part)) {
			found = append(found, e)
		}
	}
	return found
}

// set is a set of names.
type set map[string]bool

func setOf(names []string) set {
	s := make(set, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

func (s set) has(name string) bool { return s[name] }

// sorted sorts entries by a key; equal ones stay in their order, whichever way.
func sorted[K any](entries []*Entry, descending bool, key func(*Entry) K, compare func(a, b K) int) []*Entry {
	type keyed struct {
		key   K
		entry *Entry
	}
	list := make([]keyed, len(entries))
	for i, e := range entries {
		list[i] = keyed{key(e), e}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		if descending {
			a, b = b, a
		}
		return compare(a.key, b.key)
	})
	found := make([]*Entry, len(entries))
	for i, one := range list {
		found[i] = one.entry
	}
	return found
}
