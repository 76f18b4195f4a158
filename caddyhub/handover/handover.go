package handover

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

var (
	// ErrHost says that no login is handed over to this host.
	ErrHost = errors.New("handover: not a host of this hub")
	// ErrRequest says that state or next are not what a host of ours sends.
	ErrRequest = errors.New("handover: malformed request")
	// ErrCode says that a code is unknown, used, expired, for another host or for
	// another browser, or that its login has ended. Which of these is logged, and
	// told to nobody.
	ErrCode = errors.New("handover: invalid code")
)

// Options are what a Handover is made of. Directory and Allow are required.
type Options struct {
	Directory *identity.Directory
	// Allow says whether logins are handed over to a host, given in canonical
	// form. It compares whole hosts.
	Allow func(host string) bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Handover issues and redeems codes. It is safe for concurrent use, and any node
// may redeem what another has issued.
type Handover struct {
	directory *identity.Directory
	allow     func(host string) bool
	now       func() time.Time
	log       *slog.Logger
}

// New makes a Handover.
func New(options Options) *Handover {
	h := &Handover{directory: options.Directory, allow: options.Allow, now: options.Now, log: options.Log}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

// Allows says whether logins are handed over to a host. It is given as it stands in
// a request, and any but the canonical form of it is refused.
func (h *Handover) Allows(host string) bool {
	canonical, ok := subdomain.Canonical(host, true)
	if !ok || canonical != host {
		// The default port of http is left out there, and that of https is not.
		canonical, ok = subdomain.Canonical(host, false)
	}
	return ok && canonical == host && h.allow(host)
}

// Issue returns a code for the login of a session. host is as it stands in the
// request, state is State of the secret of the browser there,
// next is a path with query on that host. ErrHost and ErrRequest say what is
// wrong with these; identity.ErrInvalid that the session has ended.
func (h *Handover) Issue(ctx context.Context, session *identity.Session, host, state, next string) (code string, err error) {
	if !h.Allows(host) {
		return "", ErrHost
	}
	clean, ok := nexturl.Site{}.Clean(next)
	if !ok || len(state) != stateLength {
		return "", ErrRequest
	}
	code = newCode()
	id := hexOf([][]byte{h.directory.Keys().MAC(purposeCode, []byte(code))})[0]
	err = h.directory.Store().Update(ctx, func(w store.Writer) error {
		_, alive, err := identity.FindSession(w, session.ID)
		if err != nil {
			return err
		}
		if !alive {
			return identity.ErrInvalid
		}
		kept := record{Host: host, State: state, SessionID: session.ID, Next: clean}
		return codes.Put(w, id, kept, h.now().Add(lifetime))
	})
	if err != nil {
		return "", fmt.Errorf("handover: %w", err)
	}
	return code, nil
}

// Arrival is what a code was exchanged for.
type Arrival struct {
	// Cookie is the value of the session cookie on the host.
	Cookie string
	// Session is the hub's session that it is a child of.
	Session identity.Session
	// Next is where the browser goes on: a path with query on the host.
	Next string
}

// Redeem exchanges a code on a host, in canonical form, for a session there.
// secrets are those that the browser has; one of them must be that which set
// out. A code that is found is gone, whatever comes of it. ErrCode says that it
// is worth nothing; any other error is trouble with the store.
func (h *Handover) Redeem(ctx context.Context, code, host string, secrets []string) (Arrival, error) {
	if code == "" || len(code) > maxCode {
		return Arrival{}, ErrCode
	}
	var kept record
	var session identity.Session
	var reason string
	err := h.directory.Store().Update(ctx, func(w store.Writer) (err error) {
		kept, session, reason, err = h.consume(w, code, host, secrets)
		return err
	})
	if err != nil {
		return Arrival{}, fmt.Errorf("handover: %w", err)
	}
	if reason != "" {
		h.log.WarnContext(ctx, "login not handed over", "host", host, "reason", reason)
		return Arrival{}, ErrCode
	}
	return Arrival{Cookie: h.directory.HostSession(&session, host), Session: session, Next: kept.Next}, nil
}

// consume takes a code out of the store and says why it is worth nothing, if so.
func (h *Handover) consume(w store.Writer, code, host string, secrets []string) (kept record, session identity.Session, reason string, err error) {
	for _, id := range hexOf(h.directory.Keys().MACs(purposeCode, []byte(code))) {
		found, exists, err := codes.Find(w, id)
		if err != nil {
			return kept, session, "", err
		}
		if !exists {
			continue
		}
		if err := codes.Delete(w, id); err != nil {
			return kept, session, "", err
		}
		switch {
		case found.Host != host || !h.Allows(host):
			return kept, session, "the code is for another host", nil
		case !known(found.State, secrets):
			return kept, session, "the code is for another browser", nil
		}
		session, alive, err := identity.FindSession(w, found.SessionID)
		if err == nil && !alive {
			reason = "the login has ended"
		}
		return found, session, reason, err
	}
	return kept, session, "the code is unknown, used or expired", nil
}

// known says whether one of the secrets is the one behind a state. All are
// looked at, so that the time it takes tells nothing.
func known(state string, secrets []string) bool {
	match := 0
	for _, secret := range secrets {
		match |= subtle.ConstantTimeCompare([]byte(state), []byte(State(secret)))
	}
	return match == 1
}
