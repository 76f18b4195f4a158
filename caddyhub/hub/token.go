package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var (
	// ErrScopes says that a token was asked for with scopes that do not exist or
	// that its owner does not hold.
	ErrScopes = errors.New("scopes not held")
	// ErrLifetime says that a token was asked for that would live too long.
	ErrLifetime = errors.New("lifetime too long")
)

// TokenRequest is what an operator asks for on the command line.
type TokenRequest struct {
	// User who must exist.
	User string
	Note string
	// Scopes, none for all that the user may do.
	Scopes []string
	// Lifetime; zero for the longest that the configuration allows.
	Lifetime time.Duration
}

// IssueToken makes an API token for a user and returns its secret, which is not
// kept. Errors wrap identity.ErrNotFound, ErrScopes or ErrLifetime.
func (s *Site) IssueToken(ctx context.Context, request TokenRequest) (string, identity.Token, error) {
	if limit := s.settings.Tokens.MaxLifetime; limit > 0 {
		if request.Lifetime > limit {
			return "", identity.Token{}, fmt.Errorf("%w: at most %s", ErrLifetime, limit)
		}
		if request.Lifetime == 0 {
			request.Lifetime = limit
		}
	}
	if len(request.Scopes) == 0 {
		request.Scopes = []string{scope.Inherit}
	}
	secret := keyring.RandomToken(32)
	var token identity.Token
	err := s.directory.Store().Update(ctx, func(w store.Writer) (err error) {
		owner := identity.UserOwner(request.User)
		held, err := s.directory.OwnerScopes(w, owner)
		if err != nil {
			return err
		}
		if err := s.checkScopes(w, request, held); err != nil {
			return err
		}
		token, err = s.directory.CreateTokenIn(w, secret, identity.NewToken{
			Owner: owner, Scopes: request.Scopes, Note: request.Note, Lifetime: request.Lifetime,
		})
		return err
	})
	s.operated(ctx, audit.Event{
		Action: "token.create", Target: audit.Target{User: request.User, TokenID: token.ID},
		Details: map[string]any{"note": request.Note, "scopes": request.Scopes},
	}, err)
	return secret, token, err
}

func (s *Site) checkScopes(r store.Reader, request TokenRequest, held scope.Set) error {
	if len(request.Scopes) == 1 && request.Scopes[0] == scope.Inherit {
		return nil
	}
	wanted, _, err := s.directory.Definitions().Expand(request.Scopes, scope.Owner{User: request.User})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrScopes, err)
	}
	missing, err := identity.Missing(r, wanted, held)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w by %s: %s", ErrScopes, request.User, strings.Join(missing, ", "))
	}
	return nil
}
