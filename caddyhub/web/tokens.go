package web

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// tokenPage is the page about the visitor's tokens: those issued by the hub
// itself one by one, those issued to applications by application.
func (c *call) tokenPage() (page.Token, error) {
	view := page.Token{Expirations: page.Expirations(c.options.TokenMaxLifetime)}
	view.ExpiresIn = view.Expirations[len(view.Expirations)-1].Value
	owner := identity.UserOwner(c.visit.Identity.Name())
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		view.Tokens, view.Applications, view.RequestURL = nil, nil, ""
		access, err := identity.Check(r, c.visit.Identity.Scopes, "tokens", scope.OnUser(owner.User))
		if err != nil {
			return err
		}
		mayChange := access == scope.Granted
		if mayChange {
			view.RequestURL = c.hub + "token"
		}
		list, err := identity.Tokens(r, owner)
		if err != nil {
			return err
		}
		return c.fillTokens(r, &view, list, mayChange)
	})
	slices.SortStableFunc(view.Tokens, func(a, b page.APIToken) int {
		return cmp.Or(b.LastUsed.Compare(a.LastUsed), b.Created.Compare(a.Created))
	})
	slices.SortStableFunc(view.Applications, func(a, b page.Application) int {
		return cmp.Or(b.LastUsed.Compare(a.LastUsed), b.FirstAuthorized.Compare(a.FirstAuthorized))
	})
	return view, err
}

func (c *call) fillTokens(r store.Reader, view *page.Token, list []identity.Token, mayChange bool) error {
	applications := make(map[string]int)
	for _, token := range list {
		used, err := c.options.Directory.Activity().Last(r, identity.ActivityOfToken(token.ID))
		if err != nil {
			return err
		}
		revoke := ""
		if mayChange {
			revoke = c.hub + "token/revoke/" + hubpath.Quote(token.ID)
		}
		if token.ClientID == identity.HubClient {
			view.Tokens = append(view.Tokens, page.APIToken{
				ID: token.ID, Note: token.Note, Scopes: token.Scopes, Created: token.Created,
				LastUsed: used, ExpiresAt: token.Expires, RevokeURL: revoke,
			})
			continue
		}
		at, known := applications[token.ClientID]
		if known {
			addToApplication(&view.Applications[at], token, used)
			continue
		}
		applications[token.ClientID] = len(view.Applications)
		description, err := describeClient(r, token.ClientID)
		if err != nil {
			return err
		}
		view.Applications = append(view.Applications, page.Application{
			ID: token.ID, Description: description, Scopes: token.Scopes,
			FirstAuthorized: token.Created, LastUsed: used, RevokeURL: revoke,
		})
	}
	return nil
}

// addToApplication adds a further token of an application.
func addToApplication(known *page.Application, token identity.Token, used time.Time) {
	if used.After(known.LastUsed) {
		known.LastUsed = used
	}
	if token.Created.Before(known.FirstAuthorized) {
		known.FirstAuthorized = token.Created
	}
	scopes := append(slices.Clone(known.Scopes), token.Scopes...)
	slices.Sort(scopes)
	known.Scopes = slices.Compact(scopes)
}

// describeClient names an application; one that is gone by its id.
func describeClient(r store.Reader, id string) (string, error) {
	client, err := identity.GetClient(r, id)
	if errors.Is(err, identity.ErrNotFound) {
		return id, nil
	}
	return cmp.Or(client.Description, id), err
}
