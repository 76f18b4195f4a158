package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxNote is how long the note of a token may be, in bytes, as in JupyterHub's
// database. Every list of tokens shows it.
const maxNote = 1023

// maxScopes is how many scopes or roles a request for a token may name. Each is
// expanded at every use of the token.
const maxScopes = 1000

// tokenWish is a well-formed request for a token.
type tokenWish struct {
	note string
	// scopes and roles are nil where the request does not say.
	scopes   []string
	roles    []string
	lifetime time.Duration
}

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

// authenticate identifies the caller by what the body has for the authenticator,
// as a login does, without making a session. Only trouble of ours is told apart
// from a refusal.
func (c *call) authenticate(auth any) error {
	refused := refuse(http.StatusForbidden, "")
	form, ok := formOf(auth)
	if !ok {
		return refused
	}
	attempt := authenticator.Attempt{Form: form, Request: c.r, Remote: c.options.Remote(c.r)}
	for _, offer := range c.options.Login.Offers() {
		if offer.Redirects {
			continue
		}
		decision, err := c.options.Login.Login(c.r.Context(), offer.Name, attempt)
		if err == nil {
			return c.loggedIn(decision)
		}
		switch status, message, retry := authenticator.Describe(err); {
		case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
			return &failure{status: status, message: message, retryAfter: retry, err: err}
		case !errors.Is(err, authenticator.ErrDenied):
			return refused
		}
	}
	return refused
}

// formOf is the object "auth" as the fields of a login form.
func formOf(auth any) (map[string]string, bool) {
	fields, is := auth.(map[string]any)
	if !is || len(fields) == 0 {
		return nil, false
	}
	form := make(map[string]string, len(fields))
	for name, value := range fields {
		text, is := value.(string)
		if !is {
			return nil, false
		}
		form[name] = text
	}
	return form, true
}

// loggedIn makes the user of a decision the caller. Only a login in the browser
// creates users.
func (c *call) loggedIn(decision *authenticator.Decision) error {
	if _, err := c.options.Directory.User(c.r.Context(), decision.User); errors.Is(err, identity.ErrNotFound) {
		return refuse(http.StatusForbidden, "")
	} else if err != nil {
		return err
	}
	user, err := c.options.Directory.RecordLogin(c.r.Context(), identity.Login{
		Name: decision.User, Authenticator: decision.Authenticator, Admin: decision.Admin,
		ManageGroups: decision.Groups != nil, Groups: decision.Groups, AuthState: decision.AuthState,
	})
	if err != nil {
		return err
	}
	caller := &identity.Identity{Owner: identity.UserOwner(user.Name), User: &user}
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) (err error) {
		caller.Scopes, err = c.options.Directory.OwnerScopes(r, caller.Owner)
		return err
	})
	if err != nil {
		return err
	}
	c.become(caller)
	c.active()
	return nil
}

// tokenWish checks the types of what is asked for.
func (c *call) tokenWish(body map[string]any) (wish tokenWish, err error) {
	if wish.note, err = c.note(body["note"]); err != nil {
		return wish, err
	}
	if wish.roles, err = names(body, "roles"); err != nil {
		return wish, err
	}
	if wish.scopes, err = names(body, "scopes"); err != nil {
		return wish, err
	}
	if wish.roles != nil && wish.scopes != nil {
		return wish, badRequest("Can only assign one of scopes or roles when creating tokens.")
	}
	wish.lifetime, err = c.lifetime(body["expires_in"])
	return wish, err
}

// names reads a list that may be absent.
func names(body map[string]any, key string) ([]string, error) {
	if body[key] == nil {
		return nil, nil
	}
	list, ok := texts(body[key])
	if !ok || len(list) > maxScopes {
		return nil, badRequest("token %s must be null or a list of strings, not %s", key, repr(body[key]))
	}
	return list, nil
}

func (c *call) note(value any) (string, error) {
	if empty(value) {
		note := "Requested via api"
		if c.identity.Owner != identity.UserOwner(c.user) {
			note += " by " + c.identity.Kind() + " " + c.identity.Name()
		}
		return note, nil
	}
	note, is := value.(string)
	if !is || len(note) > maxNote {
		return "", badRequest("token note must be null or a string of at most %d bytes, not %s", maxNote, repr(value))
	}
	return note, nil
}

// lifetime reads expires_in. Null and 0 mean no end or, where there is a limit,
// the limit; JupyterHub lets 0 go around it.
func (c *call) lifetime(value any) (time.Duration, error) {
	limit := c.options.TokenMaxLifetime
	if value == nil {
		return limit, nil
	}
	number, is := value.(json.Number)
	if !is || !isInteger(number) {
		return 0, badRequest("token expires_in must be null or integer, not %s", repr(value))
	}
	seconds, err := strconv.ParseInt(string(number), 10, 64)
	most := int64(math.MaxInt64 / time.Second)
	if limit > 0 {
		most = int64(limit / time.Second)
	}
	switch {
	case strings.HasPrefix(string(number), "-") && seconds != 0:
		return 0, badRequest("expires_in must be a positive integer or null, not %s", repr(number))
	case err != nil || seconds > most:
		return 0, badRequest("token expires_in: %s must not exceed %d", repr(number), most)
	case seconds == 0:
		return limit, nil
	}
	return time.Duration(seconds) * time.Second, nil
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

// checkHeld refuses scopes that do not exist or that the owner does not hold.
func (c *call) checkHeld(r store.Reader, scopes []string) error {
	owner := identity.UserOwner(c.user)
	held, err := c.options.Directory.OwnerScopes(r, owner)
	if err != nil {
		return err
	}
	var named []string
	for _, text := range scopes {
		if _, err := c.options.Directory.Definitions().Parse(text); err != nil {
			return badRequest("Scope '%s' for token does not exist", authenticator.ForLog(text))
		}
		if text != scope.Inherit {
			named = append(named, text)
		}
	}
	wanted, _, err := c.options.Directory.Definitions().Expand(named, scope.Owner{User: c.user})
	if err != nil {
		return badRequest("%s", shorten(err.Error()))
	}
	if missing := wanted.Missing(held, identity.GroupsOf(r)); len(missing) > 0 {
		return badRequest("Not assigning requested scopes %s not held by User %s",
			shorten(strings.Join(missing, ",")), c.user)
	}
	return nil
}

// newSecret is a token as JupyterHub issues them: 32 hexadecimal digits.
func newSecret() string {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	return hex.EncodeToString(secret)
}
