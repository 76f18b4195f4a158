package page

// ActAs asks somebody who is logged in, and has opened a link with the token of
// somebody else, as whom they want to act on the server that it leads to.
type ActAs struct {
	// LinkName is whose token the link has. The visitor's own name is Visitor.Name.
	LinkName string

	// Place is what the link leads to, for example "the server lab of ada".
	Place string

	// Action takes the form, with Field as LinkValue or LoginValue.
	Action, Field, LinkValue, LoginValue string
}

func (ActAs) template() string { return "act_as" }
