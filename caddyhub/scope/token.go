package scope

import "slices"

// Token returns what a token permits: its own scopes, expanded, together with
// the access to the client that issued it and the scopes to identify its owner,
// as far as the owner holds them now. A token that inherits permits what its
// owner does. Excess is dropped, not an error; Expand says what an error means.
//
// held is everything the owner has. Pass the full set of a user, with what is
// shared through groups: JupyterHub leaves that out for tokens, which keeps a
// member of the group out of a server that is shared with them.
func (d *Definitions) Token(scopes []string, owner Owner, held Set, groups GroupsOf) (Set, []Dropped, error) {
	if slices.Contains(scopes, Inherit) {
		return held, nil, nil
	}
	wanted, dropped, err := d.Expand(scopes, owner)
	wanted = wanted.Union(AccessScopes(owner.Client)).Union(IdentifyScopes(owner))
	groups = groups.once()
	for _, missing := range wanted.Missing(held, groups) {
		dropped = append(dropped, Dropped{Scope: missing, Reason: ErrNotHeld})
	}
	return Intersect(wanted, held, groups), dropped, err
}

// Resolve says which requested scopes may be given when only the allowed ones
// may, for example by what an OAuth client is allowed to ask for. Both are lists
// before expansion. A requested scope is granted as it is written if it is
// allowed literally or if all it means for the owner is covered by what the
// allowed scopes mean; if only a part is covered, it is refused and that part,
// expanded, is granted. Both results are sorted. If a scope on either list is
// malformed or unknown, the error says so and nothing is granted.
func (d *Definitions) Resolve(requested, allowed []string, owner Owner, groups GroupsOf) (granted, refused []string, err error) {
	limit, _, err := d.Expand(allowed, owner)
	if err != nil {
		return nil, sorted(requested), err
	}
	groups = groups.once()
	var open []string
	for _, text := range requested {
		if slices.Contains(allowed, text) {
			granted = append(granted, text)
		} else {
			open = append(open, text)
		}
	}
	given, _, err := d.Expand(granted, owner)
	if err != nil {
		return nil, sorted(requested), err
	}
	for _, text := range sorted(open) {
		wanted, _, err := d.Expand([]string{text}, owner)
		if err != nil {
			return nil, sorted(requested), err
		}
		wanted = wanted.without(given)
		if len(wanted.Missing(limit, groups)) == 0 {
			granted = append(granted, text)
		} else {
			wanted = Intersect(wanted, limit, groups)
			granted = append(granted, wanted.Strings()...)
			refused = append(refused, text)
		}
		given = given.Union(wanted)
	}
	return sorted(granted), refused, nil
}

// sorted returns the texts in order, each once.
func sorted(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}
