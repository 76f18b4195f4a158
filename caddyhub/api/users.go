package api

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// userEndpoints are those of section 1.3.
func (a *API) userEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/users", permit{who: listing, scopes: []string{"list:users"}}, listUsers},
		{http.MethodPost, "/users", need(onHub, "admin:users"), createUsers},
		{http.MethodGet, "/users/{user}", need(onUser, "read:users", "read:users:name", "read:servers",
			"read:users:groups", "read:users:activity", "read:roles:users"), getUser},
		{http.MethodPost, "/users/{user}", need(onUser, "admin:users"), createUser},
		{http.MethodPatch, "/users/{user}", need(onUser, "admin:users"), changeUser},
		{http.MethodDelete, "/users/{user}", need(onUser, "delete:users"), deleteUser},
		{http.MethodPost, "/users/{user}/activity", need(onUser, "users:activity"), postActivity},
		{http.MethodPost, "/users/{user}/admin-access", need(onUser, "servers"), adminAccess},
	}
}

// adminAccess is a leftover of times before OAuth, off in JupyterHub by default.
func adminAccess(*call) error {
	return refuse(http.StatusForbidden, "admin access to user servers disabled")
}

// userModels are the models of several users in one transaction, without those
// that the caller may not see.
func (c *call) userModels(users []identity.User) (models []map[string]any, err error) {
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		models, err = c.userModelsIn(r, users)
		return err
	})
	return models, err
}

func (c *call) userModelsIn(r store.Reader, users []identity.User) ([]map[string]any, error) {
	models := make([]map[string]any, 0, len(users))
	for _, user := range users {
		model, err := c.userModel(r, user)
		if err != nil {
			return nil, err
		}
		if len(model) > 0 {
			models = append(models, model)
		}
	}
	return models, nil
}
