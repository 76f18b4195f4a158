package oauth2

import (
	"context"
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// gitLab is GitLab's REST API, version 4: gitlab.com and GitLab of one's own.
type gitLab struct{}

func (gitLab) title() string   { return "GitLab" }
func (gitLab) subject() string { return "id" }

func (gitLab) scopes(o Options) []string {
	if o.wantsMembership() {
		return []string{"read_api"} // which read_user is part of
	}
	return []string{"read_user"}
}

func (gitLab) checkOrganization(name string) error {
	_, err := parts(name, "/", 20)
	return err
}

// active leaves out accounts that are blocked or deactivated.
func (gitLab) active(user claims.Claims) bool {
	state, _ := user.Text("state")
	return state == "active"
}

// address is in the answer; it is confirmed if the account is.
func (gitLab) address(_ context.Context, _ api, user claims.Claims) error {
	_, confirmed := user.Text("confirmed_at")
	user["email_verified"] = confirmed
	return nil
}

// member asks "Get a member of a group, including inherited and invited members".
func (gitLab) member(ctx context.Context, from api, user claims.Claims, organization string) (bool, error) {
	id, _ := user.Text("id")
	answer, err := from.ask(ctx, from.base+"/groups/"+url.PathEscape(organization)+"/members/all/"+url.PathEscape(id),
		http.StatusOK, http.StatusNotFound)
	if err != nil || answer.Status != http.StatusOK {
		return false, err
	}
	membership, err := claims.Parse(answer.Body)
	state, _ := membership.Text("state")
	return err == nil && state == "active", nil
}

// leastAccess is "Guest": without it the list has public groups of others too.
const leastAccess = "10"

// teams are the full paths of groups and sub-groups.
func (gitLab) teams(ctx context.Context, from api) ([]string, error) {
	groups, err := from.list(ctx, "/groups?per_page=100&min_access_level="+leastAccess, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, group := range groups {
		if path, ok := group.Text("full_path"); ok {
			names = append(names, path)
		}
	}
	return names, nil
}
