package scope

import (
	"cmp"
	"slices"
	"strings"
)

// GroupsOf returns the names of the groups that a user is in. It is only asked
// when a group filter could decide. A nil GroupsOf means that membership is not
// known: group filters then reach no user and no server, as in JupyterHub's
// client library, which has no database.
type GroupsOf func(user string) []string

// Filters is where a scope holds: everywhere, or for the values of each kind.
// The zero Filters holds nowhere. Filters never change.
type Filters struct {
	all bool
	// values by kind (KindUser first), each sorted and without duplicates.
	// Empty if all is true.
	values [kinds][]string
}

// All reports whether the scope holds everywhere.
func (f Filters) All() bool { return f.all }

// Values returns a sorted copy of the values of one kind; servers are
// "USER/SERVER". It is empty if the scope holds everywhere.
func (f Filters) Values(kind Kind) []string {
	if kind == KindNone || kind > kinds {
		return nil
	}
	return slices.Clone(f.of(kind))
}

// Allows reports whether the filters reach a resource: a user by name or through
// a group, a server by name, by its user or through a group of that user, a
// group and a service by name. The zero Resource is reached by All alone.
func (f Filters) Allows(on Resource, groups GroupsOf) bool { return f.allow(&on, groups) }

// allow is Allows without copies: a decision should not cost more than a look-up.
func (f *Filters) allow(on *Resource, groups GroupsOf) bool {
	if f.all {
		return true
	}
	switch on.kind {
	case KindUser:
		return has(f.of(KindUser), on.name) || f.reachesMember(on.name, groups)
	case KindServer:
		return hasServer(f.of(KindServer), on.user, on.name) ||
			has(f.of(KindUser), on.user) || f.reachesMember(on.user, groups)
	case KindGroup, KindService:
		return has(f.of(on.kind), on.name)
	}
	return false
}

func (f *Filters) of(kind Kind) []string { return f.values[kind-1] }

// reachesMember reports whether the user is in one of the groups.
func (f *Filters) reachesMember(user string, groups GroupsOf) bool {
	named := f.of(KindGroup)
	if groups == nil || len(named) == 0 || user == "" {
		return false
	}
	for _, group := range groups(user) {
		if has(named, group) {
			return true
		}
	}
	return false
}

// empty reports whether the filters hold nowhere.
func (f Filters) empty() bool {
	if f.all {
		return false
	}
	for _, values := range f.values {
		if len(values) > 0 {
			return false
		}
	}
	return true
}

func (f Filters) equal(other Filters) bool {
	if f.all != other.all {
		return false
	}
	for i := range f.values {
		if !slices.Equal(f.values[i], other.values[i]) {
			return false
		}
	}
	return true
}

func has(sorted []string, value string) bool {
	if len(sorted) == 1 { // most filters name one thing
		return sorted[0] == value
	}
	_, found := slices.BinarySearch(sorted, value)
	return found
}

// hasServer looks for "user/name" without putting the two together, because a
// decision must not allocate.
func hasServer(sorted []string, user, name string) bool {
	if len(sorted) == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(sorted, Server{User: user, Name: name}, compareServer)
	return found
}

// compareServer compares a value with server.String().
func compareServer(value string, server Server) int {
	n := min(len(value), len(server.User))
	if order := strings.Compare(value[:n], server.User); order != 0 {
		return order
	}
	rest := value[n:]
	if rest == "" {
		return -1
	}
	if order := cmp.Compare(rest[0], '/'); order != 0 {
		return order
	}
	return strings.Compare(rest[1:], server.Name)
}
