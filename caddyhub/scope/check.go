package scope

// Access is the answer of Check.
type Access int

const (
	// None: the caller does not hold the scope. JupyterHub answers 403.
	None Access = iota
	// Elsewhere: the caller holds the scope, but for other resources.
	// JupyterHub answers 404, as for a resource that does not exist, so that
	// nobody learns of resources that are not theirs.
	Elsewhere
	// Granted: go on.
	Granted
)

// String returns the answer as a word, for logs.
func (a Access) String() string {
	switch a {
	case Elsewhere:
		return "elsewhere"
	case Granted:
		return "granted"
	}
	return "none"
}

// Check decides whether the set permits a scope on a resource. For the zero
// Resource, which asks for the scope without any filter, the answer is never
// Elsewhere: there is no resource to hide. It does not allocate; groups may.
func (s Set) Check(name string, on Resource, groups GroupsOf) Access {
	f, ok := s.scopes[name]
	switch {
	case !ok:
		return None
	case f.allow(&on, groups):
		return Granted
	case on.kind == KindNone:
		return None
	}
	return Elsewhere
}

// CheckAny is Check for requests that any one of several scopes permits. It
// returns the best answer.
func (s Set) CheckAny(on Resource, groups GroupsOf, names ...string) Access {
	best := None
	for _, name := range names {
		best = max(best, s.Check(name, on, groups))
		if best == Granted {
			break
		}
	}
	return best
}
