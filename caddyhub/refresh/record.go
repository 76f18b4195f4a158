package refresh

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// ActionRefresh is what the audit log calls a question about a login.
const ActionRefresh = "login.refresh"

// record tells the audit log what came of a question. Answers that change nothing
// are routine.
func (c *Checker) record(ctx context.Context, check identity.LoginCheck, outcome Outcome, decision *authenticator.Decision, did effect, err error) {
	event := audit.Event{
		Action: ActionRefresh, Target: audit.Target{User: check.User}, Outcome: audit.Success,
		Details: map[string]any{"authenticator": check.Authenticator, "answer": string(outcome)},
		Took:    c.now().Sub(check.Begun),
	}
	switch outcome {
	case Fresh:
		event.Routine = true
	case Changed:
		event.Routine = !did.rights // tokens of other sites change all the time
		if decision.Groups != nil {
			event.Details["groups"] = decision.Groups
		}
		if decision.Admin != nil {
			event.Details["admin"] = *decision.Admin
		}
	case LoginAgain:
		event.Outcome, event.Reason = audit.Refused, err.Error()
		event.Details["sessions_ended"] = did.ended
	case Unavailable:
		event.Outcome, event.Routine = audit.Failure, true
		if err != nil {
			event.Reason = err.Error()
		}
	}
	c.audit.Record(ctx, event)
}
