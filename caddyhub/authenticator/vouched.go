package authenticator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
)

// Vouched lets somebody in for whom no authenticator vouches but something else
// that the operator trusts, such as a portal by its one-time token. by names it in
// the log and is no name of an authenticator; find returns who it is. The Decision
// has no name of an authenticator: there is nobody to ask again later.
//
// The rules are those of an authenticator that is open by default: blocked users
// stay out; where allow rules exist, they count; where none does, whoever is
// vouched for may come in. An error of find that wraps ErrDenied is charged to the
// network of the client, like a wrong password. The error is one for Describe and
// wraps that of find; it is logged already.
func (l *Login) Vouched(ctx context.Context, by string, remote netip.Addr, find func() (Identity, error)) (*Decision, error) {
	decision, err := l.vouched(ctx, by, remote, find)
	if err != nil {
		l.log.LogAttrs(ctx, levelOf(err), "login refused",
			slog.String("authenticator", by), slog.String("remote", remote.String()), slog.String("reason", err.Error()))
		return nil, err
	}
	return decision, nil
}

func (l *Login) vouched(ctx context.Context, by string, remote netip.Addr, find func() (Identity, error)) (*Decision, error) {
	trial, err := l.throttle.Begin(ctx, Origin{Remote: remote})
	if err != nil {
		return nil, err
	}
	identity, err := find()
	switch {
	case errors.Is(err, ErrDenied):
		if uncounted := trial.Failed(ctx); uncounted != nil {
			return nil, uncounted
		}
		return nil, err
	case err != nil:
		trial.Void()
		return nil, err
	}
	if err := trial.Succeeded(ctx, false); err != nil {
		return nil, err
	}
	decision, err := l.decide(ctx, Named{by, open{}}, identity)
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w", ForLog(identity.Name), err)
	}
	decision.Authenticator = ""
	return decision, nil
}

// open stands for whatever vouches, before the rules.
type open struct{}

// Authenticate implements Authenticator: nobody logs in here by a form.
func (open) Authenticate(context.Context, Attempt) (*Identity, error) { return nil, ErrDenied }

// OpenByDefault implements OpenByDefault.
func (open) OpenByDefault() bool { return true }
