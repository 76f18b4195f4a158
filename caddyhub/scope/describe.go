package scope

// Description explains one scope to the person who is asked to grant it.
type Description struct {
	// Scope is the name without the filter.
	Scope string
	// Text says in one line what the scope permits.
	Text string
	// Filter says where it holds, such as "only you"; empty for everywhere.
	Filter string
}

// Describe explains a scope, expanded or not, to a user; an empty user is
// nobody in particular. It reports false if the scope is not defined.
func (d *Definitions) Describe(s Scope, user string) (Description, bool) {
	def, ok := d.scopes[s.Name]
	if !ok {
		return Description{}, false
	}
	return Description{Scope: s.Name, Text: def.description, Filter: describeFilter(s.Filter, user)}, true
}

func describeFilter(f Filter, user string) string {
	switch f.Kind {
	case KindUser:
		if f.Placeholder() || f.Value == user {
			return "only you"
		}
		return "user " + f.Value
	case KindGroup:
		return "users in group " + f.Value
	case KindService:
		if f.Placeholder() {
			return "only this service"
		}
		return "service " + f.Value
	case KindServer:
		return describeServer(f)
	}
	return ""
}

func describeServer(f Filter) string {
	server, ok := ParseServer(f.Value)
	switch {
	case !ok:
		return "only this server"
	case server.Name == "":
		return "default server of " + server.User
	}
	return "server " + f.Value
}
