package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// createToken makes a token for a user: one that the caller may make tokens for
// or, without credentials, one who proves who they are in the body (section 1.5).
func createToken(c *call) error {
	body, err := c.tokenBody()
	if err != nil {
		return err
	}
	if c.identity == nil {
		if err := c.authenticate(body["auth"]); err != nil {
			return err
		}
	}
	if err := c.mayMakeTokens(); err != nil {
		return err
	}
	wish, err := c.tokenWish(body)
	if err != nil {
		return err
	}
	secret := newSecret()
	var model map[string]any
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		token, err := c.makeToken(w, wish, secret)
		if err != nil {
			return err
		}
		c.token = token.ID
		model, err = c.tokenModel(w, token)
		return err
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "token created", "token", model["id"], "user", c.user,
		"by", c.identity.Name(), "kind", c.identity.Kind())
	model["token"] = secret
	return c.json(http.StatusCreated, model)
}

func (c *call) tokenBody() (map[string]any, error) {
	value, err := c.value()
	if err != nil || empty(value) {
		return nil, err
	}
	body, is := value.(map[string]any)
	if !is {
		return nil, badRequest("Body must be a JSON dict or empty")
	}
	return body, nil
}

// mayMakeTokens does not tell a user who is not there from one whom the caller
// may not touch.
func (c *call) mayMakeTokens() error {
	_, err := c.options.Directory.User(c.r.Context(), c.user)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	if err == nil && c.may("tokens", scope.OnUser(c.user)) {
		return nil
	}
	if c.groups.err != nil {
		return c.groups.err
	}
	kind := "User"
	if c.identity.User == nil {
		kind = "Service"
	}
	return refuse(http.StatusForbidden, "%s %s not found or no permissions to generate tokens",
		kind, authenticator.ForLog(c.user))
}

// makeToken checks what the owner may have and stores the token, in one
// transaction.
func (c *call) makeToken(w store.Writer, wish tokenWish, secret string) (identity.Token, error) {
	scopes, err := scopesOf(w, wish)
	if err != nil {
		return identity.Token{}, err
	}
	if err := c.checkHeld(w, scopes); err != nil {
		return identity.Token{}, err
	}
	token, err := c.options.Directory.CreateTokenIn(w, secret, identity.NewToken{
		Owner: identity.UserOwner(c.user), Scopes: scopes, Note: wish.note, Lifetime: wish.lifetime,
	})
	if errors.Is(err, identity.ErrNotFound) {
		return token, refuse(http.StatusForbidden, "User %s not found or no permissions to generate tokens", c.user)
	}
	return token, err
}

// scopesOf are the scopes that are asked for: the scopes of roles are those of
// now, and no word about either means the role "token".
func scopesOf(r store.Reader, wish tokenWish) ([]string, error) {
	if wish.scopes != nil {
		return wish.scopes, nil
	}
	names := wish.roles
	if names == nil {
		names = []string{identity.RoleToken}
	}
	scopes := []string{}
	for _, name := range names {
		role, err := identity.GetRole(r, name)
		if errors.Is(err, identity.ErrNotFound) {
			return nil, badRequest("No such role: %s", authenticator.ForLog(name))
		}
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, role.Scopes...)
	}
	return scopes, nil
}

// checkHeld refuses scopes that do not exist or that the owner does not hold. In a
// limited session they must be held there too, since the token outlives it.
func (c *call) checkHeld(r store.Reader, scopes []string) error {
	owner := identity.UserOwner(c.user)
	held, err := c.options.Directory.OwnerScopes(r, owner)
	if err != nil {
		return err
	}
	if c.identity.Limited() {
		if held = c.scopes; slices.Contains(scopes, scope.Inherit) {
			return refuse(http.StatusForbidden, "A token that inherits everything cannot be made in a session that is limited")
		}
	}
	var named []string
	for _, text := range scopes {
		if _, err := c.options.Directory.Definitions().Parse(text); err != nil {
			return badRequest("%s", repr(c.unknownScope(text)))
		}
		if text != scope.Inherit {
			named = append(named, text)
		}
	}
	wanted, _, err := c.options.Directory.Definitions().Expand(named, scope.Owner{User: c.user})
	if err != nil {
		return badRequest("%s", shorten(err.Error()))
	}
	missing, err := identity.Missing(r, wanted, held)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return badRequest("Not assigning requested scopes %s not held by User %s",
			shorten(strings.Join(missing, ",")), c.user)
	}
	return nil
}

// unknownScope says what is wrong with a scope. On the wire it stands in quotes,
// since JupyterHub shows the key of a failed look-up.
func (c *call) unknownScope(text string) string {
	name, filter, _ := strings.Cut(text, "!")
	shown := authenticator.ForLog(text)
	switch {
	case name == "all":
		return "Draft scope 'all' is now called 'inherit'"
	case c.options.Directory.Definitions().Exists(name):
		filter = authenticator.ForLog(filter)
		return "Scope filter " + filter + " '!" + filter + "' in scope '" + shown + "' for token does not exist"
	}
	return "Scope '" + shown + "' for token does not exist"
}

// newSecret is a token as JupyterHub issues them: 32 hexadecimal digits.
func newSecret() string {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	return hex.EncodeToString(secret)
}
