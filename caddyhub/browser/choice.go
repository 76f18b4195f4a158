package browser

import "github.com/caddyhub/caddyhub/caddyhub/identity"

// ChoiceField is the field of the form that answers a Choice.
const ChoiceField = "act_as"

// What a form says in ChoiceField.
const (
	// ChooseGrant: act as the owner of the token.
	ChooseGrant = "link"
	// ChooseLogin: stay who is logged in, and forget the grant.
	ChooseLogin = "login"
)

// Choice is what a person who is logged in, and has followed a link with somebody
// else's token, is asked.
type Choice struct {
	// Login is who is logged in, and Link whose token it was.
	Login, Link identity.Owner
	// User and Server are whose server they are about to visit, and which. User is
	// empty for a service, which Service names.
	User, Server, Service string
	// Action is where the form is sent, by POST, with ChoiceField and XSRF as _xsrf.
	Action string
	XSRF   string
}
