package browser

import (
	"context"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Confirmer makes sure that the login elsewhere that a session began with still
// holds. The request is nil unless the browser of the session sent it. again says
// that the session may have changed or ended, so that it must be looked up anew; an
// error, that it must not be honoured now, though it has not ended.
type Confirmer interface {
	Confirm(ctx context.Context, r *http.Request, session *identity.Session) (again bool, err error)
}

// confirmed returns whom find finds, once the login behind the session is confirmed
// as far as it is time to. Who comes without a session needs no confirmation.
func (b *Browser) confirmed(ctx context.Context, visit Visit, find func() (*identity.Identity, error)) (*identity.Identity, error) {
	found, err := find()
	if err != nil || b.confirmer == nil || found.Session == nil {
		return found, err
	}
	var shown *http.Request
	if len(visit.Credentials.Sessions) > 0 {
		// Servers show visitor tokens too, and have none of the browser's cookies.
		shown = visit.Request
	}
	again, err := b.confirmer.Confirm(ctx, shown, found.Session)
	switch {
	case err != nil:
		return nil, err
	case again:
		return find()
	}
	return found, nil
}

// ByToken is who a token belongs to, as identity.Directory.ByToken has it, with the
// login behind a visitor token confirmed.
func (b *Browser) ByToken(ctx context.Context, visit Visit, token string) (*identity.Identity, error) {
	return b.confirmed(ctx, visit, func() (*identity.Identity, error) { return b.directory.ByToken(ctx, token) })
}
