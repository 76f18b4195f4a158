package identity

import (
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// OAuthClient is a server or service that logs users in through the hub
// (JupyterHub "OAuth clients").
type OAuthClient struct {
	// ID is the client_id, see hubpath.ClientID for servers; "service-NAME" for
	// services.
	ID string `json:"id"`
	// SecretHash is the keyed hash of the client secret.
	SecretHash []byte `json:"secret_hash"`
	// RedirectURI is compared exactly. A path is legal.
	RedirectURI string `json:"redirect_uri"`
	// AllowedScopes are what it may ask for, unexpanded, beside the access to
	// itself, which it always gets.
	AllowedScopes []string `json:"allowed_scopes,omitempty"`
	// Description is for the consent page: "Server at /user/ada/".
	Description string `json:"description"`
	// Target is what logging in to the client gives access to.
	Target scope.Client `json:"target"`
	// NoConfirm skips the consent page.
	NoConfirm bool `json:"no_confirm,omitempty"`
}

var clients = store.Collection[OAuthClient]{Kind: "oauth_client"}

const purposeClient = "oauth client secret"

// maxClientID bounds the id of a client as it stands in keys, beside the name
// of a user.
const maxClientID = 560

// PutClient creates or replaces an OAuth client with a secret, inside a
// transaction. ErrName if the id is empty or too long.
func (d *Directory) PutClient(w store.Writer, client OAuthClient, secret string) error {
	if !fitsClientID(client.ID) {
		return fmt.Errorf("%w: id of an OAuth client", ErrName)
	}
	client.SecretHash = d.keys.MAC(purposeClient, []byte(client.ID), []byte(secret))
	return clients.Put(w, store.Join(client.ID), client, time.Time{})
}

// GetClient returns an OAuth client, inside a transaction, or ErrNotFound.
func GetClient(r store.Reader, id string) (OAuthClient, error) {
	if !fitsClientID(id) {
		return OAuthClient{}, fmt.Errorf("%w: OAuth client", ErrNotFound)
	}
	client, err := clients.Get(r, store.Join(id))
	return client, notFound(err, "OAuth client", id)
}

func fitsClientID(id string) bool {
	return id != "" && len(id) <= maxClientID && len(store.Join(id)) <= maxClientID
}

// VerifyClientSecret says whether this is the client's secret.
func (d *Directory) VerifyClientSecret(client OAuthClient, secret string) bool {
	if len(secret) > maxTokenLength {
		return false
	}
	return d.keys.Verify(purposeClient, client.SecretHash, []byte(client.ID), []byte(secret))
}

// EachClient calls use with every OAuth client whose id begins with a prefix,
// and stops at the first error.
func EachClient(r store.Reader, prefix string, use func(OAuthClient) error) error {
	return clients.Each(r, store.Join(prefix), func(item store.Item[OAuthClient]) error { return use(item.Value) })
}

// DeleteClient removes an OAuth client and every token that it was given,
// inside a transaction; that it is absent is not an error.
func DeleteClient(w store.Writer, id string) error {
	if err := DeleteClientTokens(w, id); err != nil {
		return err
	}
	return clients.Delete(w, store.Join(id))
}
