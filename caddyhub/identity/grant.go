package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const purposeGrant = "grant"

// GrantChoice is how long a visitor who is logged in has to choose as whom to act.
const GrantChoice = 10 * time.Minute

// Grant is what a browser has of a token that was in the URL of one server or
// service: it may visit this one as the owner of the token. It is not the token,
// opens nothing else, and is never more than the token is worth at the moment of a
// request. Nothing is stored for it; it ends with the token.
type Grant struct {
	// ID is random. Proofs that a page sent a request are signed for it.
	ID string `json:"i"`
	// Owner is who the token acts for.
	Owner Owner `json:"o"`
	// TokenID is Token.ID. Empty for a grant made of a visitor token, which
	// SessionID is for: such a grant ends with that session.
	TokenID   string `json:"t,omitempty"`
	SessionID string `json:"s,omitempty"`
	// Client is what it opens.
	Client scope.Client `json:"c"`
	// Beside is Session.ID of the login that the browser had when it got the grant:
	// beside another one the grant is worth nothing. Empty if it had none.
	Beside string `json:"b,omitempty"`
	// Agreed says that who was logged in then, and is somebody else than Owner, has
	// agreed to act as Owner.
	Agreed bool `json:"a,omitempty"`
	// Expires is when it ends at the latest, in Unix seconds.
	Expires int64 `json:"e"`
}

// NewGrant makes a grant of the identity that a token in a URL has, for what the
// token was to open. beside is the login of the same browser; nil if there is
// none. Whether the token opens that the caller has checked. ErrInvalid for an
// identity that no token is behind.
func (d *Directory) NewGrant(from *Identity, client scope.Client, beside *Session) (Grant, error) {
	grant := Grant{ID: keyring.RandomToken(16), Owner: from.Owner, Client: client}
	end := d.now().Add(d.sessionLimits().Lifetime)
	switch {
	case from.Grant != nil:
		grant.TokenID, grant.SessionID = from.Grant.TokenID, from.Grant.SessionID
		end = earlier(end, time.Unix(from.Grant.Expires, 0))
	case from.Token != nil:
		grant.TokenID = from.Token.ID
		if expires := from.Token.Expires; !expires.IsZero() {
			end = earlier(end, expires)
		}
	case from.Visitor != nil && from.Session != nil:
		grant.SessionID = from.Session.ID
	default:
		return Grant{}, ErrInvalid
	}
	if beside != nil {
		grant.Beside = beside.ID
		end = earlier(end, d.now().Add(GrantChoice))
	}
	grant.Expires = end.Unix()
	return grant, nil
}

// Agree is the grant once the visitor has agreed to act as its owner beside the
// login that they have. ErrInvalid if its token is gone meanwhile.
func (d *Directory) Agree(ctx context.Context, grant Grant, beside *Session) (Grant, error) {
	// A new id: what was signed for the choice proves nothing afterwards.
	grant.ID, grant.Beside, grant.Agreed = keyring.RandomToken(16), beside.ID, true
	grant.Expires = d.now().Add(d.sessionLimits().Lifetime).Unix()
	err := d.store.View(ctx, func(r store.Reader) error {
		_, until, err := d.ofGrant(r, grant)
		if err == nil && grant.TokenID != "" {
			grant.Expires = until.Unix()
		}
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	return grant, nil
}

// SealGrant writes a grant as the value of a cookie, which tells nothing.
func (d *Directory) SealGrant(grant Grant) string {
	text, err := json.Marshal(grant)
	if err != nil {
		panic("identity: grant: " + err.Error()) // strings and numbers always encode
	}
	return base64.RawURLEncoding.EncodeToString(d.keys.Seal(purposeGrant, text, nil))
}

// OpenGrant reads what SealGrant wrote; ok is false for anything else, and when
// its time is over. Whether its token is still good it does not say.
func (d *Directory) OpenGrant(sealed string) (grant Grant, ok bool) {
	if len(sealed) > maxTokenLength {
		return Grant{}, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return Grant{}, false
	}
	text, err := d.keys.Open(purposeGrant, body, nil)
	if err != nil || json.Unmarshal(text, &grant) != nil || d.now().Unix() >= grant.Expires {
		return Grant{}, false
	}
	return grant, true
}

// ByGrant returns who the owner of a grant's token is and what the token is worth
// where the grant counts: access, the names of the owner, and scopes that servers
// and services interpret themselves. ErrInvalid when its time is over, or its token
// or session has ended. The Identity may be that of other requests too: it must not
// be changed.
func (d *Directory) ByGrant(ctx context.Context, grant Grant) (*Identity, error) {
	written, err := json.Marshal(grant)
	if err != nil {
		return nil, ErrInvalid
	}
	if known := d.recall(rememberedGrant, string(written)); known != nil {
		return known, nil
	}
	return d.identify(ctx, rememberedGrant, string(written), func(r store.Reader) (*Identity, time.Time, error) {
		return d.ofGrant(r, grant)
	})
}

// ofGrant is ByGrant inside a View, and says when the identity ends.
func (d *Directory) ofGrant(r store.Reader, grant Grant) (*Identity, time.Time, error) {
	until := time.Unix(grant.Expires, 0)
	if !d.now().Before(until) {
		return nil, time.Time{}, ErrInvalid
	}
	if grant.TokenID == "" {
		return d.ofGrantOfSession(r, grant, until)
	}
	token, _, err := getToken(r, grant.Owner, grant.TokenID)
	if errors.Is(err, ErrNotFound) {
		return nil, time.Time{}, ErrInvalid
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	found, err := d.ofToken(r, token)
	if err != nil {
		return nil, time.Time{}, err
	}
	narrowed, err := d.narrow(r, found.Scopes, grant)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !token.Expires.IsZero() {
		until = earlier(until, token.Expires)
	}
	found.Grant, found.Scopes = &grant, narrowed
	return found, until, nil
}

func (d *Directory) ofGrantOfSession(r store.Reader, grant Grant, until time.Time) (*Identity, time.Time, error) {
	session, err := d.session(r, grant.SessionID)
	if err != nil {
		return nil, time.Time{}, err
	}
	found, held, err := d.ofSession(r, session)
	if err == nil && found.Owner != grant.Owner {
		err = ErrInvalid
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	scopes, err := d.cut(r, nil, found.Owner, grant.Client, held)
	// The session is that of whoever made the link, not of this browser.
	found.Session, found.Grant, found.Scopes = nil, &grant, scopes
	return found, earlier(until, d.end(session)), err
}

// narrow is what is left of a token's scopes where a grant of it counts.
func (d *Directory) narrow(r store.Reader, held scope.Set, grant Grant) (scope.Set, error) {
	own := slices.DeleteFunc(held.Strings(), func(text string) bool { return !strings.HasPrefix(text, "custom:") })
	groups, failed := Memberships(r)
	set, _, err := d.Definitions().Token(own, grant.Owner.scopeOwner(grant.Client), held, groups)
	if failed := failed(); failed != nil {
		return scope.Set{}, failed
	}
	return set, err
}
