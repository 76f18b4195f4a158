package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxNewUsers is how many users one request may create. They are one
// transaction, which holds up all others for as long as it takes.
const maxNewUsers = 1000

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

// createUsers creates several users at once, or none.
func createUsers(c *call) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	model, _ := value.(map[string]any)
	asked, given := model["usernames"]
	if !given || empty(asked) {
		return badRequest("Must specify at least one user to create")
	}
	raw, ok := texts(asked)
	switch {
	case !ok:
		return badRequest("usernames must be a list of strings, not %s", repr(asked))
	case len(raw) > maxNewUsers:
		return badRequest("Must not specify more than %d users to create", maxNewUsers)
	}
	delete(model, "usernames")
	admin, err := c.newUser(model)
	if err != nil {
		return err
	}
	names, err := c.userNames(raw)
	if err != nil {
		return err
	}
	if names, err = c.unknown(names); err != nil {
		return err
	}
	for _, name := range names {
		if err := c.announce(name); err != nil {
			return err
		}
	}
	created, err := c.options.Directory.CreateUsers(c.r.Context(), names, admin)
	switch {
	case err != nil:
		return err
	case len(created) == 0:
		return refuse(http.StatusConflict, "All %d users already exist", len(raw))
	}
	c.log.InfoContext(c.r.Context(), "users created", "count", len(created), "admin", admin, "by", c.identity.Name())
	models, err := c.userModels(created)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, models)
}

// empty says whether Python takes a value for false.
func empty(value any) bool {
	switch value := value.(type) {
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return value == nil || value == "" || value == false
}

// newUser checks what a request says of users to create, and returns the one
// thing that counts: whether they are administrators.
func (c *call) newUser(model map[string]any) (admin bool, err error) {
	if err := checkUser(model); err != nil {
		return false, err
	}
	admin, _ = model["admin"].(bool)
	if admin && !c.identity.Admin() {
		return false, errGrantAdmin
	}
	return admin, nil
}

var (
	errGrantAdmin  = refuse(http.StatusForbidden, "Only admins can grant admin permissions")
	errModifyAdmin = refuse(http.StatusForbidden, "Only admins can modify other admins")
)

// userNames brings names into the form they have in the hub, each once.
func (c *call) userNames(raw []string) ([]string, error) {
	var names, invalid []string
	seen := make(map[string]bool)
	for _, typed := range raw {
		name, err := c.options.Login.UserName(typed)
		switch {
		case err != nil:
			invalid = append(invalid, authenticator.ForLog(typed))
		case !seen[name]:
			seen[name] = true
			names = append(names, name)
		}
	}
	switch len(invalid) {
	case 0:
		return names, nil
	case 1:
		return nil, badRequest("Invalid username: %s", invalid[0])
	}
	return nil, badRequest("Invalid usernames: %s", shorten(strings.Join(invalid, ", ")))
}

// maxList is how long a list of names in a message may be, in bytes.
const maxList = 4096

func shorten(text string) string {
	if len(text) <= maxList {
		return text
	}
	return strings.ToValidUTF8(text[:maxList], "") + "..."
}

// unknown returns the names that no user has.
func (c *call) unknown(names []string) (unknown []string, err error) {
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		unknown = nil
		for _, name := range names {
			_, err := identity.GetUser(r, name)
			if errors.Is(err, identity.ErrNotFound) {
				unknown = append(unknown, name)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return unknown, err
}

// announce tells the authenticators of a user who is about to be created. Any
// may refuse.
func (c *call) announce(name string) error {
	for _, known := range c.options.Login.All() {
		adder, can := known.(authenticator.UserAdder)
		if !can {
			continue
		}
		if err := adder.AddUser(c.r.Context(), name); err != nil {
			return c.notAdded(name, err)
		}
	}
	return nil
}

func (c *call) notAdded(name string, err error) error {
	if status, message, retry := authenticator.Describe(err); status == http.StatusServiceUnavailable {
		return &failure{status: status, message: message, retryAfter: retry, err: err}
	}
	c.log.WarnContext(c.r.Context(), "user refused by the authenticator", "user", authenticator.ForLog(name), "error", err)
	refusal := badRequest("Failed to create user: %s", name)
	var shown *authenticator.Error
	if errors.As(err, &shown) {
		refusal = badRequest("Failed to create user %s: %s", name, shown.Message)
	}
	return refusal
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
