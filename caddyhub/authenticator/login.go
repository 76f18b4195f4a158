package authenticator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"
)

// MaxFieldLength is the length of one field of an attempt in bytes. It bounds
// what hashing a password can cost.
const MaxFieldLength = 4096

// Named is an authenticator under the name it is configured by.
type Named struct {
	Name          string
	Authenticator Authenticator
}

// Options says what a Login works with.
type Options struct {
	// Authenticators in the order in which the login page offers them; at least
	// one, each with a name of its own.
	Authenticators []Named
	Rules          Rules
	// Users is asked for existing users and their groups. Nil knows nobody.
	Users UserDirectory
	// Throttle limits attempts. Nil means no limit.
	Throttle *Throttle
	// Log hears of every refusal. Nil discards.
	Log *slog.Logger
}

// Login lets people in: the rules of the hub around its authenticators. Its
// methods may be called from any goroutine.
type Login struct {
	authenticators []Named
	configured     Rules
	rules          *ruleset
	users          UserDirectory
	throttle       *Throttle
	log            *slog.Logger
}

// Decision says that somebody may come in, and as whom.
type Decision struct {
	// User is the name in the hub.
	User string
	// Authenticator is the name of the one that vouched for him: the one to ask
	// when the session is refreshed.
	Authenticator string
	// Admin sets the flag of the user; nil leaves it.
	Admin *bool
	// Groups, Roles and AuthState as in Identity.
	Groups    []string
	Roles     []Role
	AuthState json.RawMessage
	// External as in Identity.
	External ExternalLogin
}

// New checks the options. It fails on rules that cannot work: a name that nobody
// can have, a pattern that does not compile, a chain in the map of names.
func New(o Options) (*Login, error) {
	if len(o.Authenticators) == 0 {
		return nil, errors.New("authenticator: none is configured")
	}
	seen := map[string]bool{}
	for _, named := range o.Authenticators {
		if named.Name == "" || named.Authenticator == nil || seen[named.Name] {
			return nil, fmt.Errorf("authenticator: %q is empty or given twice", named.Name)
		}
		seen[named.Name] = true
	}
	rules, err := newRuleset(o.Rules)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Login{
		authenticators: o.Authenticators, configured: o.Rules, rules: rules,
		users: o.Users, throttle: o.Throttle, log: o.Log,
	}, nil
}

// Login runs one attempt against the authenticator of that name. The error is
// one for Describe; it is logged already.
func (l *Login) Login(ctx context.Context, name string, attempt Attempt) (*Decision, error) {
	decision, err := l.login(ctx, name, attempt)
	if err != nil {
		l.log.LogAttrs(ctx, levelOf(err), "login refused",
			slog.String("authenticator", ForLog(name)), slog.String("user", ForLog(attempt.Username())),
			slog.String("remote", attempt.Remote.String()), slog.String("reason", err.Error()))
		return nil, err
	}
	return decision, nil
}

func (l *Login) login(ctx context.Context, name string, attempt Attempt) (*Decision, error) {
	authenticator, ok := l.Authenticator(name)
	if !ok {
		return nil, ErrUnknown
	}
	if err := checkFields(attempt); err != nil {
		return nil, err
	}
	attempt = attempt.trimmed()
	counted := l.countedName(attempt.Username())
	trial, err := l.throttle.Begin(ctx, originOf(attempt, counted))
	if err != nil {
		return nil, err
	}
	defer trial.Void() // if the authenticator panics
	decision, err := l.decideOn(ctx, Named{name, authenticator}, attempt)
	if err != nil {
		return nil, l.count(ctx, trial, err)
	}
	// Only his own success clears the count of a user, not that of somebody who
	// typed his name and was found to be another.
	if err := trial.Succeeded(ctx, decision.User == counted); err != nil {
		l.log.LogAttrs(ctx, slog.LevelWarn, "failed logins not forgiven", slog.String("error", err.Error()))
	}
	return decision, nil
}

// originOf says what an attempt is counted by.
func originOf(attempt Attempt, counted string) Origin {
	origin := Origin{User: counted, Remote: attempt.Remote}
	if attempt.Device != nil && counted != "" {
		origin.Device = attempt.Device(counted)
	}
	return origin
}

// count charges an attempt that failed with an error, and returns the error to
// answer with. Trouble of ours is not charged; who hangs up before the answer is.
func (l *Login) count(ctx context.Context, trial *Trial, err error) error {
	status, _, _ := Describe(err)
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		trial.Void()
		return err
	}
	if uncounted := trial.Failed(ctx); uncounted != nil {
		return fmt.Errorf("%w, after: %w", uncounted, err)
	}
	return err
}

// decideOn asks the authenticator and applies the rules to its answer.
func (l *Login) decideOn(ctx context.Context, by Named, attempt Attempt) (*Decision, error) {
	identity, err := by.Authenticator.Authenticate(ctx, l.addressed(attempt))
	if err != nil {
		return nil, err
	}
	if identity == nil {
		return nil, ErrDenied
	}
	decision, err := l.decide(ctx, by, *identity)
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w", ForLog(identity.Name), err)
	}
	return decision, nil
}

// decide applies everything that follows an authenticator's yes.
func (l *Login) decide(ctx context.Context, by Named, identity Identity) (*Decision, error) {
	var err error
	if identity.Name, err = l.rules.normalise(identity.Name); err != nil {
		return nil, err
	}
	identity.Groups = l.cleanGroups(ctx, by.Name, identity.Groups)
	if err := l.rules.check(ctx, &identity, opensByDefault(by.Authenticator), l.users); err != nil {
		return nil, err
	}
	if l.rules.admins[identity.Name] && (identity.Admin == nil || identity.AdminsStay) {
		identity.Admin = new(true)
	}
	return decisionOf(by.Name, identity), nil
}

func decisionOf(authenticator string, identity Identity) *Decision {
	return &Decision{
		User: identity.Name, Authenticator: authenticator, Admin: identity.Admin,
		Groups: identity.Groups, Roles: identity.Roles, AuthState: identity.AuthState, External: identity.External,
	}
}

// addressed returns a copy of the attempt that says whom the typed name stands for.
func (l *Login) addressed(attempt Attempt) Attempt {
	attempt.User, attempt.Admin = "", false
	if user, err := l.rules.normalise(attempt.Username()); err == nil {
		attempt.User, attempt.Admin = user, l.rules.admins[user]
	}
	return attempt
}

// checkFields refuses what no form of ours sends, before anything is done with it.
func checkFields(attempt Attempt) error {
	if len(attempt.Username()) > MaxNameLength {
		return &Error{Status: http.StatusBadRequest, Message: "The user name is too long."}
	}
	for field, value := range attempt.Form {
		if len(field) > MaxFieldLength || len(value) > MaxFieldLength {
			return &Error{Status: http.StatusBadRequest, Message: "A field of the login form is too long."}
		}
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return &Error{Status: http.StatusBadRequest, Message: "A field of the login form is not valid text."}
		}
	}
	return nil
}

// countedName is the name that a typed one counts as. One that nobody can have
// still counts, in canonical form.
func (l *Login) countedName(typed string) string {
	if name, err := l.rules.normalise(typed); err == nil {
		return name
	}
	return Canonical(typed)
}

func opensByDefault(a Authenticator) bool {
	open, ok := a.(OpenByDefault)
	return ok && open.OpenByDefault()
}

// levelOf tells trouble of ours from the daily wrong password.
func levelOf(err error) slog.Level {
	if errors.Is(err, context.Canceled) {
		return slog.LevelInfo // the browser went away
	}
	if status, _, _ := Describe(err); status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Authenticator returns the authenticator of that name.
func (l *Login) Authenticator(name string) (Authenticator, bool) {
	for _, named := range l.authenticators {
		if named.Name == name {
			return named.Authenticator, true
		}
	}
	return nil, false
}

// UserName returns the name in the hub for a name that somebody typed into the
// API or a configuration, or an error wrapping ErrInvalidName.
func (l *Login) UserName(raw string) (string, error) { return l.rules.normalise(raw) }

// IsAdmin reports whether the list of admins has that user.
func (l *Login) IsAdmin(user string) bool { return l.rules.admins[user] }

// IsBlocked reports whether that user is blocked. Sessions and servers of a
// blocked user end; the caller sees to it.
func (l *Login) IsBlocked(user string) bool { return l.rules.blocked[user] }
