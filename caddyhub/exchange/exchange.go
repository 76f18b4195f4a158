package exchange

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// MaxToken is how long a token may be, in bytes.
const MaxToken = 8 << 10

// Kind is Opaque or Signed.
type Kind interface {
	// redeem finds out what a token is worth, without consuming it here. Its errors
	// wrap ErrRefused, ErrExpired or ErrUnavailable.
	redeem(ctx context.Context, token string) (worth, error)
}

// worth is what a token is worth.
type worth struct {
	claims map[string]any
	// name tells the token from all others, and until is when it may be forgotten.
	name  []string
	until time.Time
}

// Options are what an Exchange is made of. Kind and Claims.User are required.
type Options struct {
	Kind   Kind
	Claims Claims
	// OnlyServer limits every login to the server that its token names.
	OnlyServer bool
}

// Exchange redeems tokens. It is safe for concurrent use.
type Exchange struct {
	options Options
}

// New makes an Exchange.
func New(o Options) *Exchange { return &Exchange{o} }

// Redeem returns what a token is worth, once. The directory is where that is
// remembered, and where scopes are known. Errors wrap ErrRefused, ErrExpired,
// ErrUsed or ErrUnavailable, or are those of the store.
func (e *Exchange) Redeem(ctx context.Context, directory *identity.Directory, token string) (*Arrival, error) {
	if !plain(token) {
		return nil, refuse("it is empty, too long, or no text")
	}
	found, err := e.options.Kind.redeem(ctx, token)
	if err != nil {
		return nil, err
	}
	arrival, err := e.options.Claims.arrival(found.claims)
	if err == nil {
		err = e.check(arrival, directory)
	}
	if err != nil {
		return nil, err
	}
	id := nameOf(found.name)
	if err := consume(ctx, directory.Store(), id, found.until); err != nil {
		return nil, err
	}
	arrival.ID = hex.EncodeToString(id[:shown])
	return arrival, nil
}

// check looks at an arrival as a whole.
func (e *Exchange) check(a *Arrival, directory *identity.Directory) error {
	a.OnlyServer = e.options.OnlyServer
	switch {
	case a.OnlyServer && a.Server == nil:
		return refuse("it names no server, and logins are limited to one")
	case a.OnlyServer && a.Scopes != nil:
		return refuse("it has scopes, and logins are limited to a server")
	}
	return checkScopes(directory.Definitions(), a.Scopes)
}

// plain says whether a token can be one: visible ASCII, as in URLs and headers.
func plain(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return token != "" && len(token) <= MaxToken
}

// used are the names of tokens that were consumed.
var used = store.Collection[struct{}]{Kind: "exchanged_token"}

// consume writes down that a token was used, or finds that it was.
func consume(ctx context.Context, s store.Store, id []byte, until time.Time) error {
	key := hex.EncodeToString(id)
	err := s.Update(ctx, func(w store.Writer) error {
		_, found, err := used.Find(w, key)
		if err != nil {
			return err
		}
		if found {
			return ErrUsed
		}
		return used.Put(w, key, struct{}{}, until)
	})
	if err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	return nil
}
