package ldap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// maxConnections bounds how many logins talk to the servers at once; the others
// wait.
const maxConnections = 32

// Authenticator asks a directory. Its methods may be called from any goroutine.
type Authenticator struct {
	options Options
	servers []server
	working chan struct{}
	// good is the server that answered last.
	good atomic.Int32
}

// New checks the options. It asks no server.
func New(o Options) (*Authenticator, error) {
	servers, err := o.servers()
	if err != nil {
		return nil, err
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	return &Authenticator{options: o, servers: servers, working: make(chan struct{}, maxConnections)}, nil
}

// Authenticate binds as the user.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	typed, password := attempt.Username(), attempt.Password()
	if !sendable(password) || authenticator.ValidateName(authenticator.Canonical(typed)) != nil {
		return nil, authenticator.ErrDenied
	}
	var identity *authenticator.Identity
	err := a.with(ctx, func(c *connection) error {
		found, err := a.prove(ctx, c, typed, password)
		if err != nil {
			return err
		}
		identity, err = a.identify(c, found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return identity, nil
}

// sendable holds for what may be a password: servers hang up on a huge one.
func sendable(password string) bool {
	return password != "" && len(password) <= authenticator.MaxFieldLength && !strings.ContainsRune(password, 0)
}

// user is somebody who was found, and perhaps proved who he is.
type user struct {
	name string
	dn   string // empty if it is not known
	// entry is nil if it cannot be read.
	entry *ldap.Entry
}

// prove finds the user and checks the password.
func (a *Authenticator) prove(ctx context.Context, c *connection, typed, password string) (user, error) {
	if len(a.options.BindDNTemplates) > 0 {
		return a.proveByTemplate(ctx, c, typed, password)
	}
	if err := a.bindToSearch(c); err != nil {
		return user{}, err
	}
	found, err := a.find(ctx, c, typed)
	if err != nil {
		return user{}, err
	}
	if found == nil {
		// The same exchange as for a wrong password.
		if err := c.bind(a.nobody(), password); !errors.Is(err, authenticator.ErrDenied) && err != nil {
			return user{}, err
		}
		return user{}, authenticator.ErrDenied
	}
	return *found, c.bind(found.dn, password)
}

// nobody is the DN of an entry that does not exist.
func (a *Authenticator) nobody() string {
	return a.options.UserAttributes[0] + "=" + rand.Text() + "," + a.options.SearchBase
}

// proveByTemplate tries every template with the password, and then reads the
// entry that it was right for.
func (a *Authenticator) proveByTemplate(ctx context.Context, c *connection, typed, password string) (user, error) {
	for _, template := range a.options.BindDNTemplates {
		as := bindName(template, typed)
		err := c.bind(as, password)
		switch {
		case err == nil:
			return a.proved(ctx, c, template, as, typed)
		case !errors.Is(err, authenticator.ErrDenied):
			return user{}, err
		}
	}
	return user{}, authenticator.ErrDenied
}

// bindName is a template with a name in it; empty if the name cannot be in it.
func bindName(template, typed string) string {
	if isDN(template) {
		return strings.ReplaceAll(template, "{username}", ldap.EscapeDN(typed))
	}
	// The names of Active Directory have no way to escape anything. These are the
	// characters that an account there cannot have.
	if strings.ContainsAny(typed, `@"/\[]:;|=,+*?<> `) {
		return ""
	}
	return strings.ReplaceAll(template, "{username}", typed)
}

// proved is the user whose bind succeeded. He has the name that his entry has;
// if nobody may read it, only a name that has no other spelling will do.
func (a *Authenticator) proved(ctx context.Context, c *connection, template, as, typed string) (user, error) {
	if a.options.SearchUser != "" {
		if err := a.bindToSearch(c); err != nil {
			return user{}, err
		}
	}
	var (
		found *user
		err   error
	)
	switch {
	case isDN(template):
		found, err = a.read(ctx, c, as, typed)
	case a.options.SearchBase != "":
		found, err = a.find(ctx, c, typed)
	default:
		found = &user{name: typed}
	}
	switch {
	case err != nil:
		return user{}, err
	case found == nil:
		return user{}, authenticator.ErrDenied
	case found.entry == nil && hasAliases(typed):
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "login refused: the entry cannot be read, so that another spelling of the name cannot be told from it",
			slog.String("user", authenticator.ForLog(typed)))
		return user{}, authenticator.ErrDenied
	}
	return *found, nil
}

// hasAliases reports whether a directory might take another text for the same
// name, case aside.
func hasAliases(name string) bool {
	return strings.Contains(name, "  ") || strings.ContainsFunc(name, func(r rune) bool { return r > 127 })
}

// bindToSearch makes the connection that of the user who searches.
func (a *Authenticator) bindToSearch(c *connection) error {
	if a.options.SearchUser == "" {
		return nil
	}
	err := c.bind(a.options.SearchUser, a.options.SearchPassword)
	if errors.Is(err, authenticator.ErrDenied) {
		return fmt.Errorf("%w: the directory refuses the user to search with", authenticator.ErrUnavailable)
	}
	return err
}
