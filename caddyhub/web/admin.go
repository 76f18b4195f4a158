package web

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// admin answers GET {hub}admin. The page shows and does nothing by itself: it
// calls the REST API, in the name of whoever looks at it.
func (c *call) admin() error {
	if !c.may("admin-ui") {
		return &failure{
			status:  http.StatusForbidden,
			message: "Action is not authorized with current scopes; requires any of [admin-ui]",
		}
	}
	query := c.r.URL.Query()
	return c.render(http.StatusOK, page.Admin{
		APIURL: c.options.Base.API(""), SpawnURL: c.hub + "spawn/",
		Search: query.Get("name_filter"), State: query.Get("state"),
		MayAdd: c.may("admin:users"), MayEdit: c.may("admin:users"), MayDelete: c.may("delete:users"),
		MayStart: c.may("servers"), MayStop: c.may("delete:servers"),
		Asks: c.options.UserOptions.Asks(),
	})
}

// may says whether the visitor has a scope, on whatever resource.
func (c *call) may(scope string) bool {
	_, has := c.visit.Identity.Scopes.Filters(scope)
	return has
}
