package scope

import "strings"

// Server names one single-user server. The default server of a user has an
// empty Name; a Server with an empty User names no server at all.
type Server struct {
	User string
	Name string
}

// ParseServer reads "USER/SERVER", the value of a server filter. It reports
// false if there is no slash or no user before it.
func ParseServer(value string) (Server, bool) {
	user, name, ok := strings.Cut(value, "/")
	if !ok || user == "" {
		return Server{}, false
	}
	return Server{User: user, Name: name}, true
}

// IsZero reports whether s names no server.
func (s Server) IsZero() bool { return s.User == "" }

// String returns "USER/SERVER".
func (s Server) String() string { return s.User + "/" + s.Name }

// Resource is what a decision is about. The zero Resource stands for
// everything, which only an unfiltered scope reaches.
type Resource struct {
	kind Kind
	// name of the user, group, service or server; user owns the server.
	name, user string
}

// OnUser is the user of that name.
func OnUser(name string) Resource { return Resource{kind: KindUser, name: name} }

// OnGroup is the group of that name, as a thing of its own (not its members).
func OnGroup(name string) Resource { return Resource{kind: KindGroup, name: name} }

// OnService is the service of that name.
func OnService(name string) Resource { return Resource{kind: KindService, name: name} }

// OnServer is a server of a user; an empty name is the default server. A user
// with a slash, which no user has, owns nothing: "a/b" and "c" must not pass for
// the server "b/c" of "a".
func OnServer(user, name string) Resource {
	if strings.IndexByte(user, '/') >= 0 {
		user = ""
	}
	return Resource{kind: KindServer, user: user, name: name}
}

// resourceOf returns the one resource that a filter with a value names.
func resourceOf(kind Kind, value string) Resource {
	if kind != KindServer {
		return Resource{kind: kind, name: value}
	}
	server, ok := ParseServer(value)
	if !ok {
		// A server without a user is nobody's; it must match nothing.
		return Resource{kind: KindServer}
	}
	return OnServer(server.User, server.Name)
}
