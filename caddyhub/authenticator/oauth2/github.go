package oauth2

import (
	"context"
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// gitHub is GitHub's REST API, version 2022-11-28: GitHub itself, and GitHub
// Enterprise Server below /api/v3.
type gitHub struct{}

func (gitHub) title() string   { return "GitHub" }
func (gitHub) subject() string { return "id" }

func (gitHub) scopes(o Options) (scopes []string) {
	if o.wantsAddress() {
		scopes = append(scopes, "user:email")
	}
	if o.wantsMembership() {
		scopes = append(scopes, "read:org")
	}
	return scopes
}

func (gitHub) checkOrganization(name string) error {
	_, err := parts(name, ":", 2)
	return err
}

func (gitHub) active(claims.Claims) bool { return true }

// address is the primary one of "List email addresses for the authenticated user":
// what the profile shows is chosen freely.
func (gitHub) address(ctx context.Context, from api, user claims.Claims) error {
	list, err := from.list(ctx, "/user/emails?per_page=100", nil)
	if err != nil {
		return err
	}
	delete(user, "email")
	for _, entry := range list {
		if entry.True("primary") {
			user["email"], user["email_verified"] = entry["email"], entry["verified"]
		}
	}
	return nil
}

// member asks "Check organization membership for a user", which answers 204 only to
// members about members, and "Get team membership for a user".
func (gitHub) member(ctx context.Context, from api, user claims.Claims, organization string) (bool, error) {
	name, err := parts(organization, ":", 2)
	if err != nil {
		return false, err
	}
	login, _ := user.Text("login")
	path := from.base + "/orgs/" + url.PathEscape(name[0])
	if len(name) == 1 {
		answer, err := from.ask(ctx, path+"/members/"+url.PathEscape(login),
			http.StatusNoContent, http.StatusFound, http.StatusNotFound)
		return err == nil && answer.Status == http.StatusNoContent, err
	}
	answer, err := from.ask(ctx, path+"/teams/"+url.PathEscape(name[1])+"/memberships/"+url.PathEscape(login),
		http.StatusOK, http.StatusNotFound)
	if err != nil || answer.Status != http.StatusOK {
		return false, err
	}
	membership, err := claims.Parse(answer.Body)
	state, _ := membership.Text("state")
	return err == nil && state == "active", nil
}

// teams are the organizations as ORG, and the teams in them as ORG:TEAM.
func (gitHub) teams(ctx context.Context, from api) ([]string, error) {
	organizations, err := from.list(ctx, "/user/orgs?per_page=100", nil)
	if err != nil {
		return nil, err
	}
	teams, err := from.list(ctx, "/user/teams?per_page=100", nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, organization := range organizations {
		if login, ok := organization.Text("login"); ok {
			names = append(names, login)
		}
	}
	for _, team := range teams {
		login, there := team.Text("organization.login")
		slug, named := team.Text("slug")
		if there && named {
			names = append(names, login+":"+slug)
		}
	}
	return names, nil
}
