package scope

import "slices"

// Intersect returns what both sets permit, scope by scope: where one side is
// unfiltered the other side's filters, else every resource named by one side
// that the other side reaches. A server is so kept if the other side has its
// user, and a server or user if the other side has a group of that user; the
// latter needs groups. Each user is asked for once.
func Intersect(a, b Set, groups GroupsOf) Set {
	groups = groups.once()
	common := make(map[string]Filters, min(len(a.scopes), len(b.scopes)))
	for name, fa := range a.scopes {
		fb, ok := b.scopes[name]
		if !ok {
			continue
		}
		if f := fa.intersect(fb, groups); !f.empty() {
			common[name] = f
		}
	}
	return Set{common}
}

// Missing returns the scopes of the set that held does not cover, as sorted
// texts; none if everything the set permits is permitted by held too. Whoever
// gives permissions away must have nothing missing.
func (s Set) Missing(held Set, groups GroupsOf) []string {
	groups = groups.once()
	var missing []string
	for name, f := range s.scopes {
		reach := held.scopes[name]
		if reach.all {
			continue
		}
		if f.all {
			missing = append(missing, name)
			continue
		}
		var left Filters
		for kind := KindUser; kind <= KindServer; kind++ {
			for _, value := range f.of(kind) {
				if !reach.Allows(resourceOf(kind, value), groups) {
					left.values[kind-1] = append(left.values[kind-1], value)
				}
			}
		}
		missing = left.appendTexts(missing, name)
	}
	slices.Sort(missing)
	return missing
}

func (f Filters) intersect(other Filters, groups GroupsOf) Filters {
	if f.all {
		return other
	}
	if other.all {
		return f
	}
	var common Filters
	for kind := KindUser; kind <= KindServer; kind++ {
		ours := f.of(kind)
		theirs := other.of(kind)
		common.values[kind-1] = merge(other.reached(kind, ours, groups), f.reached(kind, theirs, groups))
	}
	return common
}

// reached returns those of the values that the filters allow.
func (f Filters) reached(kind Kind, values []string, groups GroupsOf) []string {
	var reached []string
	for _, value := range values {
		if f.Allows(resourceOf(kind, value), groups) {
			reached = append(reached, value)
		}
	}
	return reached
}

// once returns a GroupsOf that asks for each user at most once. It is for one
// goroutine and one operation.
func (g GroupsOf) once() GroupsOf {
	if g == nil {
		return nil
	}
	var known map[string][]string
	return func(user string) []string {
		groups, ok := known[user]
		if !ok {
			groups = g(user)
			if known == nil {
				known = make(map[string][]string)
			}
			known[user] = groups
		}
		return groups
	}
}
