package page

import "time"

// Admin is the list of users, with their default servers, a page at a time.
type Admin struct {
	Users []AdminUser

	// Search is what the list is limited to: a part of a user name, sent as
	// name_filter to the page itself. State is "", active, ready or inactive,
	// sent as state.
	Search, State string

	// Total is the number of users found, First the number of the first one
	// here, counted from one.
	Total, First int

	// PreviousURL and NextURL turn the page. Empty: no such page.
	PreviousURL, NextURL string

	// AddURL takes a post of usernames (separated by white space) and admin.
	// Empty: the form is not shown.
	AddURL string

	// Error is why the last action failed.
	Error string
}

func (Admin) template() string { return "admin" }

// Last is the number of the last user shown.
func (v Admin) Last() int { return v.First + len(v.Users) - 1 }

// States are the choices for State.
func (Admin) States() []Choice {
	return []Choice{{Label: "All users"}, {Value: "active", Label: "Active server"},
		{Value: "ready", Label: "Running server"}, {Value: "inactive", Label: "No server"}}
}

// AdminUser is a row of the list.
type AdminUser struct {
	Name  string
	Admin bool

	// Groups that the user is a member of.
	Groups []string

	// Servers are the user's servers, the default server first.
	Servers []Server

	// LastActivity of the user. Zero: never.
	LastActivity time.Time

	// DeleteURL takes a post. Empty: no such button.
	DeleteURL string
}
