// Package sharedpassword is an authenticator for a workshop: one password for all
// users, a longer one for administrators.
//
// It guarantees that the users' password opens no account of the list of admins,
// under no spelling of its name, that the administrators' password opens no other,
// and that comparing takes the same time whichever is wrong. Users are not safe
// from each other: all have the same password.
package sharedpassword

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Least lengths of the passwords, in characters, as in JupyterHub.
const (
	MinUserPassword  = 8
	MinAdminPassword = 32
)

// Options holds the passwords. No two of them may be the same.
type Options struct {
	// UserPassword is for everybody who is not in the list of admins. At least
	// MinUserPassword characters; empty: they have none.
	UserPassword string
	// AdminPassword is for those in the list of admins, who can use no other. At
	// least MinAdminPassword characters; empty: they cannot log in.
	AdminPassword string
	// PasswordGroups are further passwords for those who are not admins, with the
	// groups that each one puts its user in. At least MinUserPassword characters.
	// If there are any, the groups of everybody who logs in are replaced, with the
	// other passwords by none.
	PasswordGroups map[string][]string
}

// Authenticator is JupyterHub's SharedPasswordAuthenticator. Use it through
// authenticator.Login, which says who is an admin.
type Authenticator struct {
	passwords authenticator.Passwords
	user      authenticator.Digest
	admin     authenticator.Digest
	groups    []groupPassword
	hasUser   bool
	hasAdmin  bool
}

type groupPassword struct {
	digest authenticator.Digest
	groups []string
}

// New checks the passwords. Its errors do not repeat them.
func New(o Options) (*Authenticator, error) {
	if err := check(o); err != nil {
		return nil, err
	}
	passwords := authenticator.NewPasswords()
	a := &Authenticator{
		passwords: passwords,
		user:      passwords.Digest(o.UserPassword), hasUser: o.UserPassword != "",
		admin: passwords.Digest(o.AdminPassword), hasAdmin: o.AdminPassword != "",
	}
	for password, groups := range o.PasswordGroups {
		a.groups = append(a.groups, groupPassword{passwords.Digest(password), slices.Clone(groups)})
	}
	return a, nil
}

func check(o Options) error {
	if err := checkLength("user_password", o.UserPassword, MinUserPassword); err != nil {
		return err
	}
	if err := checkLength("admin_password", o.AdminPassword, MinAdminPassword); err != nil {
		return err
	}
	if o.UserPassword != "" && o.UserPassword == o.AdminPassword {
		return errors.New("shared_password: user_password and admin_password must differ")
	}
	for password := range o.PasswordGroups {
		if password == "" {
			return errors.New("shared_password: a password in password_groups is empty")
		}
		if err := checkLength("a password in password_groups", password, MinUserPassword); err != nil {
			return err
		}
		if password == o.UserPassword || password == o.AdminPassword {
			return errors.New("shared_password: a password in password_groups is the same as user_password or admin_password")
		}
	}
	return nil
}

func checkLength(what, password string, least int) error {
	length := utf8.RuneCountInString(password)
	if length > 0 && length < least {
		return fmt.Errorf("shared_password: %s must have at least %d characters, not %d", what, least, length)
	}
	if len(password) > authenticator.MaxFieldLength {
		return fmt.Errorf("shared_password: %s is longer than the %d bytes that a login form may send", what, authenticator.MaxFieldLength)
	}
	return nil
}

// Authenticate compares with every password, so that time does not tell which
// one was nearly right or whether the name is that of an admin.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	given := a.passwords.Digest(attempt.Password())
	asUser, asAdmin := given.Equal(a.user), given.Equal(a.admin)
	group := -1
	for i, candidate := range a.groups {
		group = subtle.ConstantTimeSelect(given.Equal(candidate.digest), i, group)
	}
	identity := &authenticator.Identity{Name: attempt.Username(), Admin: new(attempt.Admin)}
	if len(a.groups) > 0 {
		identity.Groups = []string{}
	}
	switch {
	case attempt.User == "":
		return nil, authenticator.ErrDenied
	case attempt.Admin && asAdmin == 1, !attempt.Admin && asUser == 1:
		return identity, nil
	case !attempt.Admin && group >= 0:
		identity.Groups = append(identity.Groups, a.groups[group].groups...)
		return identity, nil
	}
	return nil, authenticator.ErrDenied
}

// Warnings tells who cannot log in.
func (a *Authenticator) Warnings(rules authenticator.Rules) []string {
	var warnings []string
	if !a.hasUser && !a.hasAdmin && len(a.groups) == 0 {
		return []string{"No password is set, so nobody can log in. Set user_password, admin_password or both."}
	}
	if !a.hasUser && len(a.groups) == 0 {
		warnings = append(warnings, "user_password is not set, so only admins can log in.")
	}
	if a.hasAdmin && len(rules.Admins) == 0 {
		warnings = append(warnings, "admin_password is set, but no admins are named, so nobody can use it.")
	}
	if !a.hasAdmin && len(rules.Admins) > 0 {
		warnings = append(warnings, "Admins are named, but admin_password is not set, so they cannot log in.")
	}
	return warnings
}
