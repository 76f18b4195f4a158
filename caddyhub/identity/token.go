package identity

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// HubClient is the OAuth client that plain API tokens belong to (JupyterHub).
const HubClient = "jupyterhub"

// MinTokenLength is the least length of a token, in bytes (JupyterHub).
const MinTokenLength = 8

// maxTokenLength bounds what is hashed for a token that cannot be ours.
const maxTokenLength = 4096

const purposeToken = "api token"

// Token is an API token: issued by the REST API, to a single-user server, by
// OAuth, or given in the configuration.
type Token struct {
	// ID is "a" and a number, as in the REST API.
	ID string `json:"id"`
	// Owner is who the token acts for.
	Owner Owner `json:"owner"`
	// OwnerNumber ties the token to this user, not to a later one of the same
	// name. Zero for services.
	OwnerNumber uint64 `json:"owner_number,omitempty"`
	// Prefix is the first four characters, for people to tell tokens apart.
	Prefix string `json:"prefix"`
	// Scopes as granted, unexpanded; "inherit" means all of the owner's.
	Scopes []string `json:"scopes"`
	// ClientID is the OAuth client it was issued to; HubClient for plain ones.
	ClientID string `json:"client_id"`
	// Client says what that client is, for placeholders and the access scope.
	Client scope.Client `json:"client,omitzero"`
	// BrowserSession is the login within which an OAuth token was issued.
	BrowserSession string `json:"browser_session,omitempty"`
	Note           string `json:"note,omitempty"`
	// Configured says that the token stands in the configuration.
	Configured bool `json:"configured,omitempty"`
	// Generated says that the hub has made the token to start a service with,
	// and replaces it the next time.
	Generated bool      `json:"generated,omitempty"`
	Created   time.Time `json:"created"`
	// Expires is when it ends; zero means never.
	Expires time.Time `json:"expires,omitzero"`
}

// OfServer says whether this is the token that a single-user server itself was
// given: its requests are not activity of the user.
func (t Token) OfServer() bool { return strings.HasPrefix(t.Note, "Server at ") }

// NewToken is what a token is made of.
type NewToken struct {
	Owner          Owner
	Scopes         []string
	ClientID       string // empty means HubClient
	Client         scope.Client
	BrowserSession string
	Note           string
	Configured     bool
	Generated      bool
	// Lifetime of zero means that it does not expire.
	Lifetime time.Duration
}

var (
	// tokens by the keyed hash of the secret.
	tokens = store.Collection[Token]{Kind: "token"}
	// ownerTokens leads from owner and token id to the hash.
	ownerTokens = store.Collection[string]{Kind: KindTokenOfOwner}
	// clientTokens leads from OAuth client, owner and token id to the hash.
	clientTokens = store.Collection[string]{Kind: "token_of_client"}
)

// CreateToken stores a token for a secret that the caller drew at random and
// hands out. Whether the owner may have these scopes the caller has checked;
// at use they are cut to what the owner has then.
func (d *Directory) CreateToken(ctx context.Context, secret string, details NewToken) (token Token, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		token, err = d.CreateTokenIn(w, secret, details)
		return err
	})
	return token, err
}

// CreateTokenIn is CreateToken inside a transaction.
func (d *Directory) CreateTokenIn(w store.Writer, secret string, details NewToken) (Token, error) {
	if err := checkSecret(secret); err != nil {
		return Token{}, err
	}
	number, err := ownerNumber(w, details.Owner)
	if err != nil {
		return Token{}, err
	}
	hash := d.tokenHash(secret)
	if _, taken, err := tokens.Find(w, hash); err != nil {
		return Token{}, err
	} else if taken {
		return Token{}, fmt.Errorf("%w: a token with this secret", ErrExists)
	}
	id, err := d.tokenID(w)
	if err != nil {
		return Token{}, err
	}
	token := Token{
		ID:             id,
		Owner:          details.Owner,
		OwnerNumber:    number,
		Prefix:         secret[:4],
		Scopes:         details.Scopes,
		ClientID:       details.ClientID,
		Client:         details.Client,
		BrowserSession: details.BrowserSession,
		Note:           details.Note,
		Configured:     details.Configured,
		Generated:      details.Generated,
		Created:        d.now().UTC(),
	}
	if token.ClientID == "" {
		token.ClientID = HubClient
	}
	if details.Lifetime > 0 {
		token.Expires = token.Created.Add(details.Lifetime)
	}
	if err := d.activity.begin(w, ActivityOfToken(id), token.Expires); err != nil {
		return Token{}, err
	}
	return token, putToken(w, hash, token)
}

// checkSecret says whether a token with this secret could be used.
func checkSecret(secret string) error {
	switch {
	case len(secret) < MinTokenLength:
		return fmt.Errorf("%w: it must have at least %d characters", ErrSecret, MinTokenLength)
	case len(secret) > maxTokenLength:
		return fmt.Errorf("%w: it must not have more than %d characters", ErrSecret, maxTokenLength)
	case IsVisitorToken(secret):
		return fmt.Errorf("%w: it must not begin with %q", ErrSecret, VisitorPrefix)
	}
	return nil
}

// ownerNumber is the number of a user who exists, or zero for a service that does.
func ownerNumber(r store.Reader, owner Owner) (uint64, error) {
	if owner.User != "" {
		user, err := GetUser(r, owner.User)
		return user.Number, err
	}
	_, err := GetService(r, owner.Service)
	return 0, err
}

func (d *Directory) tokenHash(secret string) string {
	return hex.EncodeToString(d.keys.MAC(purposeToken, []byte(secret)))
}

func putToken(w store.Writer, hash string, token Token) error {
	if err := tokens.Put(w, hash, token, token.Expires); err != nil {
		return err
	}
	if err := ownerTokens.Put(w, token.ownerIndex(), hash, token.Expires); err != nil {
		return err
	}
	return clientTokens.Put(w, token.clientIndex(), hash, token.Expires)
}
