package scope

import "errors"

// The reasons for which scopes are dropped.
var (
	// ErrNoTarget says that a placeholder, or self, stands for nothing: no
	// user, no service, or no server to put in its place.
	ErrNoTarget = errors.New("nothing to stand for")
	// ErrNotOnServer says that a scope makes no sense with a server filter.
	ErrNotOnServer = errors.New("not a permission on servers")
	// ErrNotHeld says that the owner of a token does not hold the scope.
	ErrNotHeld = errors.New("not held by the owner")
)

// Dropped is a scope that was left out, for a warning in the log. It is no
// failure: the same role serves users and services, the same token outlives the
// permissions of its owner.
type Dropped struct {
	Scope string
	// Reason wraps ErrNoTarget, ErrNotOnServer or ErrNotHeld.
	Reason error
}

// Expand returns what scopes mean for an owner: each with all its subscopes and
// the same filter on each of them, placeholders and self filled in, reduced so
// that an unfiltered scope makes filtered ones of its name redundant. With a
// server filter, subscopes that begin with "read:user" are left out. Inherit and
// NoScope stay as they are.
//
// An error says which scopes are malformed or unknown (ErrSyntax, ErrUnknown).
// The set then still holds what the other scopes mean, so that a caller with
// scopes that were valid once, such as those of a stored role, can log the error
// and go on with less.
func (d *Definitions) Expand(scopes []string, owner Owner) (Set, []Dropped, error) {
	var (
		dropped  []Dropped
		problems []error
	)
	b := make(builder)
	for _, text := range scopes {
		s, err := d.Parse(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := d.expand(b, s, owner); err != nil {
			dropped = append(dropped, Dropped{Scope: text, Reason: err})
		}
	}
	return b.set(), dropped, errors.Join(problems...)
}

// expand adds one scope to the builder, or says why it means nothing.
func (d *Definitions) expand(b builder, s Scope, owner Owner) error {
	if s.Name == Self && s.Filter.IsZero() {
		if owner.User == "" {
			return ErrNoTarget
		}
		b.addSelf(owner.User)
		return nil
	}
	filter := s.Filter
	if filter.Placeholder() {
		var ok bool
		if filter, ok = owner.fill(filter.Kind); !ok {
			return ErrNoTarget
		}
	}
	names := d.scopes[s.Name].included
	if filter.Kind == KindServer {
		names = d.scopes[s.Name].onServer
	}
	if len(names) == 0 {
		return ErrNotOnServer
	}
	b.add(filter, names...)
	return nil
}
