package page

// SwitchUser asks somebody who is logged in, and has followed a link that logs in
// somebody else, as whom to go on.
type SwitchUser struct {
	// User is whom the link logs in. The visitor's name is in Visitor.
	User string

	// Action is where the answer is posted: as the field answer, "switch" or "stay".
	Action string

	// NextURL is where the link leads. Empty: not shown.
	NextURL string
}

func (SwitchUser) template() string { return "switch_user" }
