package identity

import "github.com/caddyhub/caddyhub/caddyhub/audit"

// Actor is the identity as the audit log has it. A nil Identity is anonymous.
func (i *Identity) Actor() audit.Actor {
	if i == nil {
		return audit.Actor{Kind: audit.Anonymous}
	}
	actor := audit.Actor{Kind: audit.Kind(i.Kind()), Name: i.Name()}
	if i.Token != nil {
		actor.TokenID = i.Token.ID
	} else if i.Session != nil {
		actor.SessionID = i.Session.ID
	}
	return actor
}
