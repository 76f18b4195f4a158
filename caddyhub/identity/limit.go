package identity

import (
	"context"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// MaxLimitScopes bounds the scopes of one limit: a browser that opens one server
// after the other must not make its session grow for ever.
const MaxLimitScopes = 100

// Limit is what a session may do at most. Of what its user may do only that counts
// which these scopes cover, together with the names that say who the user is. It
// holds for all that comes of the session: servers and services that it visits,
// tokens that OAuth issues within it, child sessions on other hosts.
type Limit struct {
	// Scopes as in a token, before expansion. None means only who the user is.
	Scopes []string `json:"scopes"`
}

// covers says whether a limit has every scope of another one, as written.
func (l Limit) covers(other Limit) bool {
	return !slices.ContainsFunc(other.Scopes, func(text string) bool { return !slices.Contains(l.Scopes, text) })
}

// Limited says whether the identity is that of a session with a limit. Whoever
// gives something out because of who somebody is, and not because of scopes, must
// not give it to these.
func (i *Identity) Limited() bool { return i != nil && i.Session != nil && i.Session.Limit != nil }

// CreateLimitedSession is CreateSession for a session that may do no more than the
// limit says; nil is no limit.
func (d *Directory) CreateLimitedSession(ctx context.Context, user, authenticator string, limit *Limit) (cookie string, session Session, err error) {
	return d.createSession(ctx, user, authenticator, limit)
}

// WidenSession adds the scopes of a limit to that of a session that has one, so
// that what the browser was let into before stays open. Beyond MaxLimitScopes the
// oldest go. A session without a limit stays without; ErrInvalid if it has ended.
func (d *Directory) WidenSession(ctx context.Context, session *Session, by Limit) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		current, err := getSession(w, session.ID)
		if err != nil {
			return err
		}
		if current.Limit == nil || current.Limit.covers(by) {
			return nil
		}
		scopes := slices.DeleteFunc(slices.Clone(current.Limit.Scopes), func(text string) bool {
			return slices.Contains(by.Scopes, text)
		})
		scopes = append(scopes, by.Scopes...)
		current.Limit = &Limit{Scopes: scopes[max(0, len(scopes)-MaxLimitScopes):]}
		return d.putSession(w, &current)
	})
}

// within is what a session with a limit holds of what its user does.
func (d *Directory) within(r store.Reader, limit *Limit, user User, held expansion) (expansion, error) {
	if limit == nil {
		return held, nil
	}
	// A limit that inherits would be none.
	scopes := slices.DeleteFunc(slices.Clone(limit.Scopes), func(text string) bool { return text == scope.Inherit })
	set, err := d.cut(r, scopes, UserOwner(user.Name), scope.Client{}, held)
	// The set may depend on memberships, so it stands for itself.
	return expansion{set, argumentOf(set.Strings(), "limited session", user.Name), held.settings}, err
}
