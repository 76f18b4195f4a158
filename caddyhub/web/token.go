package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

const (
	// maxNote bounds the note of a token, in bytes: it is in every list.
	maxNote = 1024
	// maxSeconds bounds the life of a token such that its end can be written.
	maxSeconds = 100 * 365 * 24 * 3600
	// tokenBytes is how much randomness a token has.
	tokenBytes = 32
)

// tokenForm is what the form on the token page says.
type tokenForm struct {
	note, expiresIn, scopes string
}

// tokens answers GET {hub}token.
func (c *call) tokens() error {
	view, err := c.tokenPage()
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, view)
}

// requestToken answers POST {hub}token with the page and the token in it, which
// is shown once.
func (c *call) requestToken() error {
	form := tokenForm{
		note:      strings.TrimSpace(c.r.PostForm.Get("note")),
		expiresIn: strings.TrimSpace(c.r.PostForm.Get("expires_in")),
		scopes:    c.r.PostForm.Get("scopes"),
	}
	user := c.visit.Identity.Name()
	c.event.Target.User = user
	if err := c.permit("tokens", scope.OnUser(user)); err != nil {
		return err
	}
	secret := keyring.RandomToken(tokenBytes)
	token, err := c.issueToken(user, secret, form)
	c.event.Target.TokenID = token.ID
	c.event.Details = map[string]any{"note": form.note, "expires_in": form.expiresIn, "scopes": strings.Fields(form.scopes)}
	var told *failure
	if err != nil && (!errors.As(err, &told) || told.status != http.StatusBadRequest) {
		return err
	}
	view, failed := c.tokenPage()
	if failed != nil {
		return failed
	}
	if told != nil {
		view.Error, view.Note, view.ExpiresIn, view.Scopes = told.message, form.note, form.expiresIn, form.scopes
		return c.render(http.StatusBadRequest, view)
	}
	view.New = &page.NewToken{Secret: secret, Note: token.Note, ExpiresAt: token.Expires}
	return c.render(http.StatusOK, view)
}

// issueToken makes a token as the REST API does. Mistakes are a *failure of
// status 400.
func (c *call) issueToken(user, secret string, form tokenForm) (token identity.Token, err error) {
	life, err := c.tokenLife(form.expiresIn)
	if err != nil {
		return token, err
	}
	if len(form.note) > maxNote {
		return token, mistake("The note is too long.")
	}
	scopes := strings.Fields(form.scopes)
	if len(scopes) == 0 {
		scopes = []string{scope.Inherit}
	}
	directory := c.options.Directory
	err = directory.Store().Update(c.r.Context(), func(w store.Writer) (err error) {
		if err = c.checkScopes(w, user, scopes); err != nil {
			return err
		}
		token, err = directory.CreateTokenIn(w, secret, identity.NewToken{
			Owner: identity.UserOwner(user), Scopes: scopes, Lifetime: life,
			Note: cmp.Or(form.note, "Requested via token page"),
		})
		return err
	})
	return token, err
}

// checkScopes refuses scopes that do not exist or that the user does not hold.
func (c *call) checkScopes(r store.Reader, user string, scopes []string) error {
	held, err := c.options.Directory.OwnerScopes(r, identity.UserOwner(user))
	if err != nil {
		return err
	}
	if len(scopes) == 1 && scopes[0] == scope.Inherit {
		return nil
	}
	wanted, _, err := c.options.Directory.Definitions().Expand(scopes, scope.Owner{User: user})
	if err != nil {
		return mistake(err.Error())
	}
	missing, err := identity.Missing(r, wanted, held)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return mistake(fmt.Sprintf("Not assigning requested scopes %s not held by User %s", strings.Join(missing, ","), user))
	}
	return nil
}

// tokenLife reads expires_in, in seconds; nothing or 0 is as long as possible.
func (c *call) tokenLife(text string) (time.Duration, error) {
	limit := c.options.TokenMaxLifetime
	if text == "" || text == "0" {
		return limit, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 || seconds > maxSeconds {
		return 0, mistake("token expires_in must be a number of seconds")
	}
	life := time.Duration(seconds) * time.Second
	if limit > 0 && life > limit {
		return 0, mistake(fmt.Sprintf("token expires_in: %d must not exceed %d", seconds, int64(limit/time.Second)))
	}
	return life, nil
}

func mistake(message string) error { return &failure{status: http.StatusBadRequest, message: message} }

// revokeToken answers POST {hub}token/revoke/ID.
func (c *call) revokeToken() error {
	user, id := c.visit.Identity.Name(), c.names["token"]
	c.event.Target.User = user
	if identity.IsTokenID(id) {
		c.event.Target.TokenID = id
	}
	if err := c.permit("tokens", scope.OnUser(user)); err != nil {
		return err
	}
	err := c.options.Directory.DeleteToken(c.r.Context(), identity.UserOwner(user), id)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	// One that is gone already is what was asked for.
	return c.redirect(c.hub+"token", http.StatusSeeOther)
}
