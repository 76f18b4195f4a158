package identity

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// AddMembers makes users members of a group, inside a transaction; that one is
// so already is not an error. ErrNotFound if the group or a user is missing.
func AddMembers(w store.Writer, group string, users []string) error {
	if _, err := GetGroup(w, group); err != nil {
		return err
	}
	for _, name := range users {
		user, err := GetUser(w, name)
		if err != nil {
			return err
		}
		if slices.Contains(user.Groups, group) {
			continue
		}
		if err := SetGroups(w, &user, append(slices.Clone(user.Groups), group)); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMembers takes users out of a group, inside a transaction; that one is
// no member, or does not exist, is not an error.
func RemoveMembers(w store.Writer, group string, users []string) error {
	for _, name := range users {
		user, err := GetUser(w, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		at := slices.Index(user.Groups, group)
		if at < 0 {
			continue
		}
		if err := SetGroups(w, &user, slices.Delete(slices.Clone(user.Groups), at, at+1)); err != nil {
			return err
		}
	}
	return nil
}

// SetGroupProperties replaces the properties of a group, inside a transaction.
// They must be a JSON object. ErrNotFound if there is no such group.
func SetGroupProperties(w store.Writer, name string, properties json.RawMessage) (Group, error) {
	group, err := GetGroup(w, name)
	if err != nil {
		return Group{}, err
	}
	group.Properties = properties
	return group, putGroup(w, group)
}
