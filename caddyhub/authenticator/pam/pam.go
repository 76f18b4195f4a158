// Package pam is an authenticator for the users of the operating system, by way of
// PAM, as JupyterHub's PAMAuthenticator is.
//
// It needs libpam, and so cgo: without the build tag "pam" New returns
// ErrNotBuilt and the package consists of what can be read without it.
//
// What it guarantees:
//
//   - PAM is asked for the canonical name alone. Where a system has both "Ada" and
//     "ada", the hub, which knows one of them, does not let the other in.
//   - The user is called what PAM calls him in the end; modules may rename.
//   - Modules run in threads of their own that end with the attempt, a few at a
//     time, so that neither a slow module nor what one does to its thread reaches
//     the rest of the hub. Who waits too long gets ErrUnavailable.
//   - An empty password is refused whatever the modules think of it.
//   - Refresh asks for the state of the account again: locked or expired ends the
//     session.
package pam

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// ErrNotBuilt says that this program was built without PAM.
var ErrNotBuilt = errors.New(`pam: this program was built without PAM; build it with the tag "pam" (make build TAGS=pam, or go run ./cmd/xcaddytoml -variant pam), ` +
	"which needs a C compiler and the header files of libpam (on Debian: libpam0g-dev)")

// Values of options that are not given; JupyterHub's.
const (
	DefaultService = "login"
	DefaultThreads = 4
	DefaultTimeout = 30 * time.Second
)

// Options says how PAM is asked.
type Options struct {
	// Service is the name of the file in /etc/pam.d. Empty: DefaultService.
	Service string
	// ConfigDir is the folder of such files. Empty: that of the system.
	ConfigDir string
	// SkipAccount leaves out whether the account is locked, expired or barred from
	// the service. Whoever knows the password is let in then.
	SkipAccount bool
	// OpenSessions opens a session when a server starts and closes it when the
	// server has stopped.
	OpenSessions bool
	// AdminGroups are groups of the system whose members are administrators; others
	// whom the hub's list of admins does not name are none. Empty: nothing is said.
	AdminGroups []string
	// AllowedGroups are groups of the system of which a user must be in one. Empty:
	// no condition.
	AllowedGroups []string
	// NormalizeUsername takes the name that the system has for the user's number.
	NormalizeUsername bool
	// Encoding of names and passwords, by its IANA name. Empty: UTF-8.
	Encoding string
	// OTP asks for a one-time code, which answers the second question of PAM.
	OTP bool
	// Title stands above the form of the login page. Empty: nothing.
	Title string
	// Threads is how many attempts run at once; zero means DefaultThreads.
	Threads int
	// Timeout is how long an attempt may take, waiting for a thread included; zero
	// means DefaultTimeout.
	Timeout time.Duration
	// Groups returns the names of the groups of a user. Nil asks the system.
	Groups func(name string) ([]string, error)
	// Log hears why somebody was refused. Nil discards.
	Log *slog.Logger
}

// Authenticator asks PAM. Its methods may be called from any goroutine.
type Authenticator struct {
	options Options
	stack   stack
	threads chan struct{}
}

// stack is PAM. Errors are ErrDenied or wrap ErrUnavailable.
type stack interface {
	// Authenticate checks answers to the questions of PAM, in their order, and then
	// the account. It returns the name of the user.
	Authenticate(name, remote string, answers []string, account bool) (string, error)
	// Account checks the account alone.
	Account(name string) error
	// Session opens a session, or closes one.
	Session(name string, open bool) error
}

// New checks the options, and returns ErrNotBuilt in a program without PAM.
func New(o Options) (*Authenticator, error) {
	o.Service = cmp.Or(o.Service, DefaultService)
	o.Threads = cmp.Or(o.Threads, DefaultThreads)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if strings.ContainsAny(o.Service, "/\x00") {
		return nil, fmt.Errorf("pam: the service %q is no name of a file in /etc/pam.d", o.Service)
	}
	if o.Groups == nil {
		o.Groups = systemGroups
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	stack, err := newStack(o)
	if err != nil {
		return nil, err
	}
	return &Authenticator{options: o, stack: stack, threads: make(chan struct{}, o.Threads)}, nil
}

// Authenticate asks PAM about user name, password and one-time code.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := authenticator.Canonical(attempt.Username())
	if authenticator.ValidateName(name) != nil || !sendable(attempt.Password()) || strings.ContainsRune(attempt.OTP(), 0) {
		return nil, authenticator.ErrDenied
	}
	answers := []string{attempt.Password()}
	if otp := attempt.OTP(); otp != "" && len(otp) <= maxAnswer {
		answers = append(answers, otp)
	}
	remote := ""
	if attempt.Remote.IsValid() {
		remote = attempt.Remote.String()
	}
	var identity *authenticator.Identity
	err := a.inThread(ctx, func() error {
		found, err := a.stack.Authenticate(name, remote, answers, !a.options.SkipAccount)
		if err != nil {
			return err
		}
		identity, err = a.identify(found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return identity, nil
}

// maxAnswer is the length of a password in bytes; libpam takes no more
// (PAM_MAX_RESP_SIZE).
const maxAnswer = 511

func sendable(password string) bool {
	return password != "" && len(password) <= maxAnswer && !strings.ContainsRune(password, 0)
}

// state is the auth state.
type state struct {
	Name  string `json:"name"`
	Admin *bool  `json:"admin,omitempty"`
}

// identify makes an identity of somebody whom PAM let in.
func (a *Authenticator) identify(name string) (*authenticator.Identity, error) {
	if a.options.NormalizeUsername {
		account, err := user.Lookup(name)
		if err == nil {
			account, err = user.LookupId(account.Uid)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the system does not know the number of the user: %w", authenticator.ErrUnavailable, err)
		}
		name = account.Username
	}
	identity := &authenticator.Identity{Name: name}
	if len(a.options.AdminGroups)+len(a.options.AllowedGroups) > 0 {
		groups, err := a.options.Groups(name)
		if err != nil {
			return nil, fmt.Errorf("%w: groups of the user: %w", authenticator.ErrUnavailable, err)
		}
		if len(a.options.AllowedGroups) > 0 && !overlap(groups, a.options.AllowedGroups) {
			return nil, fmt.Errorf("%w: in none of the allowed groups of the system", authenticator.ErrNotAllowed)
		}
		if len(a.options.AdminGroups) > 0 {
			identity.Admin, identity.AdminsStay = new(overlap(groups, a.options.AdminGroups)), true
		}
	}
	text, err := json.Marshal(state{Name: name, Admin: identity.Admin})
	identity.AuthState = text
	return identity, err
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// systemGroups are the groups of a user by name. Groups without one do not count.
func systemGroups(name string) ([]string, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	ids, err := account.GroupIds()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		if group, err := user.LookupGroupId(id); err == nil {
			names = append(names, group.Name)
		}
	}
	return names, nil
}

// Refresh asks for the account again, and for the groups of the user.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, _ *http.Request) (authenticator.Refreshed, error) {
	var kept state
	if json.Unmarshal(authState, &kept) != nil || kept.Name == "" {
		return authenticator.Refreshed{}, nil
	}
	var now *authenticator.Identity
	err := a.inThread(ctx, func() (err error) {
		if !a.options.SkipAccount {
			err = a.stack.Account(kept.Name)
		}
		if err == nil {
			now, err = a.identify(kept.Name)
		}
		return err
	})
	switch {
	case errors.Is(err, authenticator.ErrDenied), errors.Is(err, authenticator.ErrNotAllowed):
		return authenticator.Refreshed{}, nil
	case err != nil:
		return authenticator.Refreshed{}, err
	case bytes.Equal(now.AuthState, authState):
		return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
	}
	return authenticator.Refreshed{Outcome: authenticator.Changed, Identity: now}, nil
}

// PreSpawn opens a session. That it cannot be opened keeps no server from
// starting, as with JupyterHub.
func (a *Authenticator) PreSpawn(ctx context.Context, use authenticator.ServerUse) (map[string]string, error) {
	a.session(ctx, use, true)
	return nil, nil
}

// PostStop closes the session.
func (a *Authenticator) PostStop(ctx context.Context, use authenticator.ServerUse) error {
	a.session(ctx, use, false)
	return nil
}

func (a *Authenticator) session(ctx context.Context, use authenticator.ServerUse, open bool) {
	if !a.options.OpenSessions {
		return
	}
	name := use.User
	var kept state
	if json.Unmarshal(use.AuthState, &kept) == nil && kept.Name != "" {
		name = kept.Name
	}
	if err := a.inThread(ctx, func() error { return a.stack.Session(name, open) }); err != nil {
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "PAM session not changed", slog.String("user", authenticator.ForLog(name)),
			slog.Bool("open", open), slog.String("error", err.Error()))
	}
}

// OpenByDefault is true if the groups of the system say who may come in.
func (a *Authenticator) OpenByDefault() bool { return len(a.options.AllowedGroups) > 0 }

// Prompt is a form, with a field for a one-time code if there is one to ask for.
func (a *Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Username: true, Password: true, OTP: a.options.OTP, Text: a.options.Title}
}

// Warnings tells what is not checked.
func (a *Authenticator) Warnings(authenticator.Rules) []string {
	if a.options.SkipAccount {
		return []string{"check_account is off, so locked and expired accounts are let in."}
	}
	return nil
}
