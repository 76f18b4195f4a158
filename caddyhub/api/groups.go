package api

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// groupEndpoints are those of section 1.6. They work whether or not an
// authenticator manages groups; the next login then sets them anew.
func (a *API) groupEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/groups", permit{who: listing, scopes: []string{"list:groups"}}, listGroups},
		{http.MethodPost, "/groups", need(onHub, "admin:groups"), createGroups},
		{http.MethodGet, "/groups/{group}", need(onGroup, "read:groups", "read:groups:name", "read:roles:groups"), getGroup},
		{http.MethodPost, "/groups/{group}", need(onGroup, "admin:groups"), createGroup},
		{http.MethodDelete, "/groups/{group}", need(onGroup, "delete:groups"), deleteGroup},
		{http.MethodPost, "/groups/{group}/users", need(onGroup, "groups"), addMembers},
		{http.MethodDelete, "/groups/{group}/users", need(onGroup, "groups"), removeMembers},
		{http.MethodPut, "/groups/{group}/properties", need(onGroup, "groups"), putProperties},
	}
}

// listGroups lists the groups that the caller's list:groups reaches. Differently
// from JupyterHub, the total is that of the groups that are listed.
func listGroups(c *call) error {
	filters, _ := c.scopes.Filters("list:groups")
	for _, kind := range []scope.Kind{scope.KindUser, scope.KindServer, scope.KindService} {
		if len(filters.Values(kind)) > 0 {
			return refuse(http.StatusForbidden, "")
		}
	}
	page, err := c.page()
	if err != nil {
		return err
	}
	query := identity.GroupQuery{
		All: filters.All(), Names: filters.Values(scope.KindGroup), Offset: page.offset, Limit: page.limit,
	}
	var (
		models []map[string]any
		total  int
	)
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		groups, all, err := identity.ListGroups(r, query)
		if err != nil {
			return err
		}
		total = all
		models, err = c.groupModels(r, groups)
		return err
	})
	if err != nil {
		return err
	}
	return c.paginated(page, models, total)
}

func getGroup(c *call) error {
	var model map[string]any
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		group, err := c.findGroup(r)
		if err != nil {
			return err
		}
		model, err = c.groupModel(r, group)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, model)
}

func deleteGroup(c *call) error {
	err := c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		if _, err := c.findGroup(w); err != nil {
			return err
		}
		return identity.DeleteGroup(w, c.group)
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "group deleted", "group", c.group, "by", c.identity.Name())
	return c.noContent()
}
