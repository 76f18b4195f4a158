package hub

import (
	"context"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// ForgiveLogins forgets, on all nodes, how many logins have failed, for an
// operator. It returns how long the longest wait was that it has ended.
func (s *Site) ForgiveLogins(ctx context.Context, forgiven authenticator.Forgiven) (time.Duration, error) {
	forgiven.User = authenticator.Canonical(forgiven.User)
	wait, err := s.throttle.Forgive(ctx, forgiven)
	event := audit.Event{Action: "logins.forgive", Target: audit.Target{User: forgiven.User}, Details: map[string]any{"all": forgiven.Global}}
	if forgiven.Remote.IsValid() {
		event.Details["network_of"] = forgiven.Remote.String()
	}
	s.operated(ctx, event, err)
	return wait, err
}
