package oauth2

import (
	"context"
	"errors"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// bitbucket is the REST API of Bitbucket Cloud, version 2.0.
type bitbucket struct{}

func (bitbucket) title() string   { return "Bitbucket" }
func (bitbucket) subject() string { return "uuid" }

// scopes are of no use in a request, where they can only be fewer than those of
// the OAuth consumer; they are set there: "account", and "email" for addresses.
func (bitbucket) scopes(Options) []string { return nil }

func (bitbucket) checkOrganization(name string) error {
	_, err := parts(name, "/", 1)
	return err
}

func (bitbucket) active(claims.Claims) bool { return true }

// address is the primary one of "List email addresses for current user".
func (bitbucket) address(ctx context.Context, from api, user claims.Claims) error {
	list, err := from.list(ctx, "/user/emails?pagelen=100", values)
	if err != nil {
		return err
	}
	delete(user, "email")
	for _, entry := range list {
		if entry.True("is_primary") {
			user["email"], user["email_verified"] = entry["email"], entry["is_confirmed"]
		}
	}
	return nil
}

func (b bitbucket) member(ctx context.Context, from api, _ claims.Claims, organization string) (bool, error) {
	workspaces, err := b.teams(ctx, from)
	return slices.Contains(workspaces, organization), err
}

// teams are the slugs of workspaces: their names are not unique.
func (bitbucket) teams(ctx context.Context, from api) ([]string, error) {
	memberships, err := from.list(ctx, "/user/permissions/workspaces?pagelen=100", values)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, membership := range memberships {
		if slug, ok := membership.Text("workspace.slug"); ok {
			names = append(names, slug)
		}
	}
	return names, nil
}

// values reads a page of Bitbucket: the entries, and the address of the next page.
func values(answer codeflow.Answer) (entries []claims.Claims, next string, err error) {
	page, err := claims.Parse(answer.Body)
	if err != nil {
		return nil, "", err
	}
	list, ok := page["values"].([]any)
	if !ok {
		return nil, "", errors.New("it has no values")
	}
	for _, value := range list {
		entry, ok := value.(map[string]any)
		if !ok {
			return nil, "", errors.New("a value is no object")
		}
		entries = append(entries, entry)
	}
	next, _ = page.Text("next")
	return entries, next, nil
}
