package identity

import (
	"context"
	"encoding/hex"
	"errors"
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
	Configured bool      `json:"configured,omitempty"`
	Created    time.Time `json:"created"`
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
	// Lifetime of zero means that it does not expire.
	Lifetime time.Duration
}

var (
	// tokens by the keyed hash of the secret.
	tokens = store.Collection[Token]{Kind: "token"}
	// ownerTokens leads from owner and token id to the hash.
	ownerTokens = store.Collection[string]{Kind: "token_of_owner"}
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
	if len(secret) < MinTokenLength {
		return Token{}, fmt.Errorf("identity: a token must have at least %d characters", MinTokenLength)
	}
	number, err := next(w, "token")
	if err != nil {
		return Token{}, err
	}
	token := Token{
		ID:             fmt.Sprintf("a%d", number),
		Owner:          details.Owner,
		Prefix:         secret[:4],
		Scopes:         details.Scopes,
		ClientID:       details.ClientID,
		Client:         details.Client,
		BrowserSession: details.BrowserSession,
		Note:           details.Note,
		Configured:     details.Configured,
		Created:        d.now().UTC(),
	}
	if token.ClientID == "" {
		token.ClientID = HubClient
	}
	if details.Lifetime > 0 {
		token.Expires = token.Created.Add(details.Lifetime)
	}
	if owner := details.Owner.User; owner != "" {
		user, err := GetUser(w, owner)
		if err != nil {
			return Token{}, err
		}
		token.OwnerNumber = user.Number
	}
	return token, putToken(w, d.tokenHash(secret), token)
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

// ByToken returns who a token acts for and with which scopes, or ErrInvalid.
// It accepts visitor tokens as well.
func (d *Directory) ByToken(ctx context.Context, secret string) (identity *Identity, err error) {
	if len(secret) > maxTokenLength {
		return nil, ErrInvalid
	}
	if IsVisitorToken(secret) {
		return d.byVisitorToken(ctx, secret)
	}
	if len(secret) < MinTokenLength {
		return nil, ErrInvalid
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		token, err := d.findToken(r, secret)
		if err != nil {
			return err
		}
		identity, err = d.ofToken(r, token)
		return err
	})
	return identity, err
}

func (d *Directory) findToken(r store.Reader, secret string) (Token, error) {
	for _, mac := range d.keys.MACs(purposeToken, []byte(secret)) {
		token, found, err := tokens.Find(r, hex.EncodeToString(mac))
		if err != nil || found {
			return token, err
		}
	}
	return Token{}, ErrInvalid
}

func (d *Directory) ofToken(r store.Reader, token Token) (*Identity, error) {
	identity := &Identity{Owner: token.Owner, Token: &token}
	ownerScopes, err := d.loadOwner(r, identity, token.OwnerNumber)
	if err != nil {
		return nil, err
	}
	identity.Scopes = d.tokenScopes(r, token, ownerScopes)
	return identity, nil
}

// loadOwner fills in the user or service of an identity and returns its scopes.
func (d *Directory) loadOwner(r store.Reader, identity *Identity, number uint64) (scopes scope.Set, err error) {
	if identity.Owner.User != "" {
		user, err := GetUser(r, identity.Owner.User)
		if errors.Is(err, ErrNotFound) || err == nil && user.Number != number {
			return scopes, ErrInvalid
		}
		if err != nil {
			return scopes, err
		}
		identity.User = &user
		return d.userScopes(r, user)
	}
	service, err := GetService(r, identity.Owner.Service)
	if errors.Is(err, ErrNotFound) {
		return scopes, ErrInvalid
	}
	if err != nil {
		return scopes, err
	}
	identity.Service = &service
	return d.serviceScopes(r, service)
}

// tokenScopes are the effective scopes of a token (JupyterHub "2.4").
func (d *Directory) tokenScopes(r store.Reader, token Token, owner scope.Set) scope.Set {
	return d.cut(token.Scopes, token.Owner.scopeOwner(token.Client), owner, GroupsOf(r))
}

// EffectiveScopes are what a token may do now, for its model in the API.
func (d *Directory) EffectiveScopes(r store.Reader, token Token) (scope.Set, error) {
	owner, err := d.OwnerScopes(r, token.Owner)
	if err != nil {
		return scope.Set{}, err
	}
	return d.tokenScopes(r, token, owner), nil
}

// Tokens lists the live tokens of an owner, the oldest first.
func Tokens(r store.Reader, owner Owner) ([]Token, error) {
	return tokensUnder(r, ownerTokens, owner.under())
}

// ClientTokens lists the live tokens that an OAuth client has of an owner; of
// everybody if the owner is zero.
func ClientTokens(r store.Reader, clientID string, owner Owner) ([]Token, error) {
	prefix := store.Under(clientID)
	if owner != (Owner{}) {
		prefix = store.Under(clientID, owner.Kind(), owner.Name())
	}
	return tokensUnder(r, clientTokens, prefix)
}

func tokensUnder(r store.Reader, index store.Collection[string], prefix string) ([]Token, error) {
	var list []Token
	err := index.Each(r, prefix, func(item store.Item[string]) error {
		token, found, err := tokens.Find(r, item.Value)
		if found {
			list = append(list, token)
		}
		return err
	})
	return list, err
}

// GetToken returns a token of an owner by its id ("a12"), or ErrNotFound.
func GetToken(r store.Reader, owner Owner, id string) (Token, error) {
	token, _, err := getToken(r, owner, id)
	return token, err
}

func getToken(r store.Reader, owner Owner, id string) (Token, string, error) {
	number, ok := tokenNumber(id)
	if !ok {
		return Token{}, "", fmt.Errorf("%w: token", ErrNotFound)
	}
	hash, err := ownerTokens.Get(r, owner.under()+number)
	if err != nil {
		return Token{}, "", notFound(err, "token", id)
	}
	token, err := tokens.Get(r, hash)
	return token, hash, notFound(err, "token", id)
}

// DeleteToken revokes a token of an owner; one that was issued to an OAuth
// client other than the hub takes along all others that this client has of the
// owner. ErrNotFound if there is none of that id.
func (d *Directory) DeleteToken(ctx context.Context, owner Owner, id string) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		token, hash, err := getToken(w, owner, id)
		if err != nil {
			return err
		}
		if token.ClientID == HubClient {
			return deleteToken(w, hash, token)
		}
		return deleteTokens(w, owner, func(other Token) bool { return other.ClientID == token.ClientID })
	})
}

// DeleteClientTokens revokes all tokens that were issued to an OAuth client,
// inside a transaction.
func DeleteClientTokens(w store.Writer, clientID string) error {
	return clientTokens.Each(w, store.Under(clientID), func(item store.Item[string]) error {
		token, found, err := tokens.Find(w, item.Value)
		if err != nil || !found {
			return err
		}
		return deleteToken(w, item.Value, token)
	})
}

// DeleteTokenIn revokes one token of an owner, inside a transaction; that it is
// absent is not an error.
func DeleteTokenIn(w store.Writer, owner Owner, id string) error {
	token, hash, err := getToken(w, owner, id)
	if _, ok, err := found(token, err); err != nil || !ok {
		return err
	}
	return deleteToken(w, hash, token)
}

// deleteTokens revokes the tokens of an owner that match; nil means all.
func deleteTokens(w store.Writer, owner Owner, match func(Token) bool) error {
	return ownerTokens.Each(w, owner.under(), func(item store.Item[string]) error {
		token, found, err := tokens.Find(w, item.Value)
		if err != nil || !found || match != nil && !match(token) {
			return err
		}
		return deleteToken(w, item.Value, token)
	})
}

func deleteToken(w store.Writer, hash string, token Token) error {
	if err := tokens.Delete(w, hash); err != nil {
		return err
	}
	if err := ownerTokens.Delete(w, token.ownerIndex()); err != nil {
		return err
	}
	if err := activities.Delete(w, ActivityOfToken(token.ID)); err != nil {
		return err
	}
	return clientTokens.Delete(w, token.clientIndex())
}

func (t Token) ownerIndex() string {
	number, _ := tokenNumber(t.ID)
	return t.Owner.under() + number
}

func (t Token) clientIndex() string {
	number, _ := tokenNumber(t.ID)
	return store.Under(t.ClientID, t.Owner.Kind(), t.Owner.Name()) + number
}

// tokenNumber is a token's id such that ids sort in the order of creation.
func tokenNumber(id string) (string, bool) {
	var number uint64
	if n, err := fmt.Sscanf(id, "a%d", &number); err != nil || n != 1 || fmt.Sprintf("a%d", number) != id {
		return "", false
	}
	return numberID(number), true
}
