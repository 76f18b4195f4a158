package identity

import (
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// KindActivity is the kind of the records of activity, for those who follow the
// store's feed; ids are what ActivityOfUser and its like return.
const KindActivity = "activity"

// UserKey is where a user is in the store.
func UserKey(name string) store.Key { return users.Key(store.Join(name)) }

// OpenUser is the user of a record; found is false for the zero Record.
func OpenUser(record store.Record) (user User, found bool, err error) {
	item, found, err := users.Open(record)
	return item.Value, found, err
}

// OpenActivity is the time of a record of activity, zero for the zero Record.
func OpenActivity(record store.Record) (time.Time, error) {
	item, _, err := activities.Open(record)
	return item.Value.At, err
}

// Newer is the later of a stored time and what this node has noted of the same
// activity: Last without reading the store.
func (a *Activity) Newer(name string, stored time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.latest(name, stored)
}
