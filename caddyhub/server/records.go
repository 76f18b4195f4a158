package server

import (
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Open is the server of a record; found is false for the zero Record.
func Open(record store.Record) (s Server, found bool, err error) {
	item, found, err := servers.Open(record)
	return item.Value, found, err
}

// OfUser are the servers of a user among all records that bear the user's name:
// the default server first, which everybody has even if it was never started,
// then by name.
func OfUser(owner identity.User, all []Server) []Server {
	standard := Server{User: owner.Name, UserNumber: owner.Number, Created: owner.Created}
	list := []Server{standard}
	for _, s := range all {
		switch {
		case s.Name == "" && foreign(s, owner):
			list[0].Fence = s.Fence
		case s.Name == "":
			list[0] = s
		case !foreign(s, owner):
			list = append(list, s)
		}
	}
	slices.SortFunc(list[1:], func(a, b Server) int {
		return strings.Compare(store.Join(a.Name), store.Join(b.Name))
	})
	return list
}
