package api

import (
	"cmp"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// tokenModel is a token without its secret (section 1.5), inside a transaction.
func (c *call) tokenModel(r store.Reader, token identity.Token) (map[string]any, error) {
	last, err := c.options.Directory.Activity().Last(r, identity.ActivityOfToken(token.ID))
	if err != nil {
		return nil, err
	}
	scopes, err := c.options.Directory.EffectiveScopes(r, token)
	if err != nil {
		return nil, err
	}
	client, err := clientName(r, token.ClientID)
	if err != nil {
		return nil, err
	}
	model := map[string]any{
		token.Owner.Kind(): token.Owner.Name(),
		"id":               token.ID,
		"kind":             "api_token",
		"roles":            []string{}, // tokens have had scopes in their place since JupyterHub 3
		"scopes":           scopes.Strings(),
		"created":          stamp(token.Created),
		"last_activity":    stamp(last),
		"expires_at":       stamp(token.Expires),
		"note":             token.Note,
		"session_id":       nil,
		"oauth_client":     client,
	}
	if token.BrowserSession != "" {
		model["session_id"] = token.BrowserSession
	}
	return model, nil
}

// clientName is how people know the OAuth client that a token was issued to.
func clientName(r store.Reader, id string) (string, error) {
	if id == identity.HubClient {
		return "JupyterHub", nil
	}
	client, err := identity.GetClient(r, id)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return "", err
	}
	return cmp.Or(client.Description, id), nil
}

// used is when a token was last used, or made, for sorting.
func (c *call) used(r store.Reader, token identity.Token) (time.Time, error) {
	last, err := c.options.Directory.Activity().Last(r, identity.ActivityOfToken(token.ID))
	if last.IsZero() {
		last = token.Created
	}
	return last, err
}
