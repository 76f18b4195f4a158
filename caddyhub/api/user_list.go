package api

import (
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// listUsers lists the users that the caller's list:users reaches.
func listUsers(c *call) error {
	query, err := c.userQuery()
	if err != nil {
		return err
	}
	state, err := c.state()
	if err != nil {
		return err
	}
	page, err := c.page()
	if err != nil {
		return err
	}
	query.Offset, query.Limit = page.offset, page.limit
	if answered, err := c.listFromMemory(userlist.Query{UserQuery: query, State: state}, page); answered || err != nil {
		return err
	}
	return c.listFromStore(query, state, page)
}

// listFromStore answers when the list in memory cannot.
func (c *call) listFromStore(query identity.UserQuery, state userlist.State, page page) (err error) {
	if query.Keep, err = c.stateFilter(state); err != nil {
		return err
	}
	var (
		models []map[string]any
		total  int
	)
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		users, all, err := c.options.Directory.ListUsers(r, query)
		if err != nil {
			return err
		}
		total = all
		models, err = c.userModelsIn(r, users)
		return err
	})
	if err != nil {
		return err
	}
	return c.paginated(page, models, total)
}

// userQuery is what the caller asks for, within what list:users allows: filters
// by user and group; any other kind reaches no user and is refused (section 1.3).
func (c *call) userQuery() (query identity.UserQuery, err error) {
	sort, given := c.query.last("sort")
	if !given {
		sort = "id"
	}
	key, descending := strings.CutPrefix(sort, "-")
	query.Descending = descending
	switch key {
	case "id":
		query.Order = identity.ByCreation
	case "name":
		query.Order = identity.ByName
	case "last_activity":
		query.Order = identity.ByActivity
	default:
		return query, badRequest("sort must be 'id', 'name', or 'last_activity', not '%s'", shorten(sort))
	}
	query.NameContains, _ = c.query.last("name_filter")

	filters, _ := c.scopes.Filters("list:users")
	query.Everybody = filters.All()
	query.Names, query.Groups = filters.Values(scope.KindUser), filters.Values(scope.KindGroup)
	if len(filters.Values(scope.KindServer))+len(filters.Values(scope.KindService)) > 0 {
		return query, refuse(http.StatusForbidden, "")
	}
	return query, nil
}

// activePage is how many active servers are read at once.
const activePage = 500

// state reads the parameter "state". Differently from JupyterHub, "ready" is
// exact: pages are full and the total is that of ready users.
func (c *call) state() (userlist.State, error) {
	text, _ := c.query.last("state")
	switch text {
	case "":
		return userlist.Any, nil
	case "active":
		return userlist.Active, nil
	case "ready":
		return userlist.Ready, nil
	case "inactive":
		return userlist.Inactive, nil
	}
	return userlist.Any, badRequest("Unrecognized state filter: %s", repr(text))
}

// stateFilter is who is kept for a state; nil for everybody.
func (c *call) stateFilter(state userlist.State) (func(name string) bool, error) {
	if state == userlist.Any {
		return nil, nil
	}
	found := make(map[string]bool)
	var user, name string
	for {
		servers, err := c.options.Servers.Active(c.r.Context(), user, name, activePage)
		if err != nil {
			return nil, err
		}
		for _, s := range servers {
			found[s.User] = found[s.User] || s.Ready || state != userlist.Ready
			user, name = s.User, s.Name
		}
		if len(servers) < activePage {
			break
		}
	}
	return func(name string) bool { return found[name] == (state != userlist.Inactive) }, nil
}
