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
	if admin && !c.mayMakeAdmins() {
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
		name, err := c.userName(typed)
		switch {
		case err != nil:
			invalid = append(invalid, authenticator.ForLog(authenticator.Canonical(typed)))
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

// userName brings a name into the form it has in the hub, if a user can have it.
func (c *call) userName(typed string) (string, error) {
	name, err := c.options.Login.UserName(typed)
	if err != nil {
		return "", err
	}
	return name, identity.CheckName(name)
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

// createUser creates the user in the path. JupyterHub takes any name here; a
// name that no login could ever have is refused instead, since nobody could use
// the account.
func createUser(c *call) error {
	body, err := c.value()
	if err != nil {
		return err
	}
	if unknown, err := c.unknown([]string{c.user}); err != nil {
		return err
	} else if len(unknown) == 0 {
		return alreadyExists(c.user)
	}
	model, err := asObject(body)
	if err != nil {
		return err
	}
	admin, err := c.newUser(model)
	if err != nil {
		return err
	}
	if name, err := c.userName(c.user); err != nil || name != c.user {
		return badRequest("Failed to create user: %s", authenticator.ForLog(c.user))
	}
	if err := c.announce(c.user); err != nil {
		return err
	}
	created, err := c.options.Directory.CreateUser(c.r.Context(), c.user, admin)
	if errors.Is(err, identity.ErrExists) {
		return alreadyExists(c.user)
	}
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "user created", "user", c.user, "admin", admin, "by", c.identity.Name())
	return c.answerUser(http.StatusCreated, created)
}

func alreadyExists(name string) error {
	return refuse(http.StatusConflict, "User %s already exists", name)
}
