package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// ErrUnconfirmed says that a login has not been confirmed for longer than the
// grace allows, because nothing could be found out. To a user it is a 503.
var ErrUnconfirmed = fmt.Errorf("refresh: login not confirmed: %w", authenticator.ErrUnavailable)

// ErrExpired says that the login elsewhere has ended: the user must log in again.
var ErrExpired = errors.New("refresh: login has ended")

// Defaults of Options.
const (
	// DefaultEvery is JupyterHub's auth_refresh_age.
	DefaultEvery = 5 * time.Minute
	DefaultGrace = time.Hour
)

const (
	// checkTimeout bounds one question, and how long a request waits for its answer.
	checkTimeout = 10 * time.Second
	// hurry is how long a request waits that has grace left.
	hurry = 2 * time.Second
	// writeTimeout bounds the writing of an answer.
	writeTimeout = 5 * time.Second
	// rest is the time after a question without an answer in which nobody asks
	// again, unless Every is shorter: a service in trouble is not to be pressed.
	rest = 10 * time.Second
)

// Options are what a Checker needs. Directory and Login are required.
type Options struct {
	Directory *identity.Directory
	Login     *authenticator.Login
	// Others are names under which people came in by no authenticator, such as a
	// portal's one-time tokens: nobody can be asked about them. Sessions by any name
	// that neither Login nor this list knows end when it is time to ask.
	Others []string
	// Every is how old the confirmation of a login may be before it is asked for
	// again. Zero means DefaultEvery; negative means never.
	Every time.Duration
	// Grace is how long after that a session goes on without an answer. Zero means
	// DefaultGrace; negative means not at all.
	Grace time.Duration
	// BeforeStart asks before every start of a server too, whatever the age
	// (JupyterHub's refresh_pre_spawn).
	BeforeStart bool
	// Observe is told what came of every question; may be nil.
	Observe func(Outcome)
	// Audit records what has changed; nil discards.
	Audit *audit.Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Outcome is what came of a question.
type Outcome string

// The outcomes.
const (
	Fresh       Outcome = "fresh"
	Changed     Outcome = "changed"
	LoginAgain  Outcome = "login_again"
	Unavailable Outcome = "unavailable"
)

// Checker asks. It is safe for concurrent use.
type Checker struct {
	directory   *identity.Directory
	login       *authenticator.Login
	every       time.Duration
	grace       time.Duration
	beforeStart bool
	observe     func(Outcome)
	audit       *audit.Log
	now         func() time.Time
	log         *slog.Logger
	// asks are the authenticators that can be asked.
	asks map[string]bool

	mu       sync.Mutex
	underWay map[subject]*question
	// resting is until when nobody is asked again, after a question without an
	// answer.
	resting map[subject]time.Time
}

// subject is whose login by what.
type subject struct{ user, authenticator string }

// New makes a Checker.
func New(options Options) *Checker {
	c := &Checker{
		directory: options.Directory, login: options.Login, every: options.Every, grace: options.Grace,
		beforeStart: options.BeforeStart, observe: options.Observe, audit: options.Audit, now: options.Now, log: options.Log,
		asks: make(map[string]bool), underWay: make(map[subject]*question), resting: make(map[subject]time.Time),
	}
	if c.every == 0 {
		c.every = DefaultEvery
	}
	switch {
	case c.grace == 0:
		c.grace = DefaultGrace
	case c.grace < 0:
		c.grace = 0
	}
	if c.observe == nil {
		c.observe = func(Outcome) {}
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, name := range options.Others {
		c.asks[name] = false
	}
	for name, one := range c.login.All() {
		_, c.asks[name] = one.(authenticator.Refresher)
	}
	return c
}

// Confirm makes sure that the login behind a session still holds, as far as it is
// time to. The request may be nil; else it must be one that the browser of the
// session has sent. again says that the session may have changed or ended, so that
// whoever found it must look again. The error wraps ErrUnconfirmed.
func (c *Checker) Confirm(ctx context.Context, r *http.Request, session *identity.Session) (again bool, err error) {
	if c.every < 0 || session == nil {
		return false, nil
	}
	overdue := c.now().Sub(session.Confirmed) - c.every
	if overdue < 0 || !c.concerns(session.Authenticator) {
		return false, nil
	}
	of := subject{session.User, session.Authenticator}
	if inBackground(ctx) {
		r = nil // it is what is left of one from long ago
	}
	asked := c.ask(of, session.Confirmed, r)
	if asked == nil {
		return false, c.within(overdue)
	}
	if inBackground(ctx) || overdue < min(c.every, c.grace) {
		return false, nil
	}
	return c.await(ctx, asked, overdue)
}

// concerns says whether sessions of an authenticator are to be asked about. Those
// of one that is not configured any more are.
func (c *Checker) concerns(name string) bool {
	asks, configured := c.asks[name]
	return name != "" && (asks || !configured)
}

// within is the error for a login that has been overdue for so long.
func (c *Checker) within(overdue time.Duration) error {
	if overdue < c.grace {
		return nil
	}
	return ErrUnconfirmed
}

// await waits for an answer as long as a request has to.
func (c *Checker) await(ctx context.Context, asked *question, overdue time.Duration) (again bool, err error) {
	patience := checkTimeout + writeTimeout
	if overdue < c.grace {
		patience = hurry
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-asked.answered:
		if asked.outcome == Unavailable {
			return false, c.within(overdue)
		}
		return true, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return false, c.within(overdue)
}

type backgroundKey struct{}

// InBackground returns a context in which Confirm does not wait for answers: what
// has a login behind it that is overdue stays as it is until there is one.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func inBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }
