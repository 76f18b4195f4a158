package api

import "slices"

// part is one field of a user as JSON has it, in the order in which answers have
// them: that of the names.
type part int

const (
	partAdmin part = iota
	partAuthState
	partCreated
	partGroups
	partKind
	partLastActivity
	partName
	partPending
	partRoles
	partScopes // of GET /user only, as the two below
	partServer
	partServers
	partSessionID
	partTokenID
	parts
)

var partNames = [parts]string{
	"admin", "auth_state", "created", "groups", "kind", "last_activity", "name", "pending", "roles",
	"scopes", "server", "servers", "session_id", "token_id",
}

// partSet is a set of parts.
type partSet uint16

func (s partSet) has(one part) bool { return s&(1<<one) != 0 }

// revelation is a scope with the parts of a user that it reveals.
type revelation struct {
	scope string
	parts partSet
}

// revelations are userFields as parts.
var revelations = func() (list []revelation) {
	for name, keys := range userFields {
		one := revelation{scope: name}
		for _, key := range keys {
			one.parts |= 1 << slices.Index(partNames[:], key)
		}
		list = append(list, one)
	}
	return list
}()

// identifying are the parts that everybody may know of themselves, whatever
// their scopes: those of scope.IdentifyScopes.
var identifying = func() (set partSet) {
	for _, one := range revelations {
		if one.scope == "read:users:name" || one.scope == "read:users:groups" {
			set |= one.parts
		}
	}
	return set
}()
