package page

// Admin is the page on which users and their servers are administered. It is a
// client of the REST API and the one page that is nothing without scripts: what
// it can do, and on whom, the API decides with each call.
type Admin struct {
	// APIURL is the REST API, and SpawnURL what names are appended to so that a
	// server starts, both with a slash at the end.
	APIURL, SpawnURL string

	// Search is what the list is limited to at first: a part of a user name, as
	// name_filter in the address. State is "", active, ready or inactive, as state.
	Search, State string

	// MayAdd, MayEdit, MayDelete, MayStart and MayStop say whether there is
	// anybody on whom the visitor may do it, so that it is worth a button.
	MayAdd, MayEdit, MayDelete, MayStart, MayStop bool

	// Asks says that users are asked for options before a server starts, which
	// the page leaves to the form.
	Asks bool
}

func (Admin) template() string { return "admin" }

// States are the choices for State.
func (Admin) States() []Choice {
	return []Choice{{Label: "All users"}, {Value: "active", Label: "Active server"},
		{Value: "ready", Label: "Running server"}, {Value: "inactive", Label: "No server"}}
}
