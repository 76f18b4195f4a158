package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Defaults of SessionLimits.
const (
	DefaultIdleTimeout = 8 * time.Hour
	DefaultMaxLifetime = 14 * 24 * time.Hour
)

// renewals is how often, at most, a session is renewed within its idle limit.
const renewals = 10

const purposeSession = "session"

// SessionLimits says how long a browser session lives.
type SessionLimits struct {
	// Idle ends a session without any request for so long. Zero means
	// DefaultIdleTimeout.
	Idle time.Duration
	// Lifetime ends a session so long after the login, whatever happens. Zero
	// means DefaultMaxLifetime.
	Lifetime time.Duration
}

func (l SessionLimits) withDefaults() SessionLimits {
	if l.Idle <= 0 {
		l.Idle = DefaultIdleTimeout
	}
	if l.Lifetime <= 0 {
		l.Lifetime = DefaultMaxLifetime
	}
	l.Idle = min(l.Idle, l.Lifetime)
	return l
}

// Session is one login in one browser.
type Session struct {
	// ID is the record's id, a hash of the id in the cookie. It may be shown
	// to administrators and written to logs.
	ID   string `json:"-"`
	User string `json:"user"`
	// UserNumber ties the session to this user, not a later one of that name.
	UserNumber uint64 `json:"user_number"`
	// SecretHash is the keyed hash of the secret in the cookie.
	SecretHash []byte `json:"secret_hash"`
	// BrowserSession is the id that single-user servers see in the cookie
	// jupyterhub-session-id and that OAuth tokens carry.
	BrowserSession string    `json:"browser_session"`
	Authenticator  string    `json:"authenticator,omitempty"`
	Created        time.Time `json:"created"`
	// Renewed is when traffic last prolonged the session.
	Renewed time.Time `json:"renewed"`
	// Expires is when it ends unless renewed.
	Expires time.Time `json:"-"`
	// Confirmed is when the login behind the session was last confirmed: at its
	// beginning, at a later login of the user by the same authenticator, or by a
	// LoginCheck. Only sessions that BySession and ByToken found have it.
	Confirmed time.Time `json:"-"`
	// Limit is what the session may do at most; nil for all that its user may.
	Limit *Limit `json:"limit,omitempty"`
}

var (
	sessions = store.Collection[Session]{Kind: "session"}
	// userSessions has an id of user and session for every session.
	userSessions = store.Collection[struct{}]{Kind: KindSessionOfUser}
)

// CreateSession logs a user in and returns the value of the session cookie,
// "id.secret". It is the only time that the secret is seen.
func (d *Directory) CreateSession(ctx context.Context, user, authenticator string) (cookie string, session Session, err error) {
	return d.createSession(ctx, user, authenticator, nil)
}

func (d *Directory) createSession(ctx context.Context, user, authenticator string, limit *Limit) (cookie string, session Session, err error) {
	id, secret := keyring.RandomToken(16), keyring.RandomToken(32)
	browser := make([]byte, 16)
	rand.Read(browser)
	err = d.store.Update(ctx, func(w store.Writer) error {
		owner, err := GetUser(w, user)
		if err != nil {
			return err
		}
		now := d.now().UTC()
		session = Session{
			ID:             sessionID(id),
			User:           owner.Name,
			UserNumber:     owner.Number,
			SecretHash:     d.keys.MAC(purposeSession, []byte(id), []byte(secret)),
			BrowserSession: hex.EncodeToString(browser),
			Authenticator:  authenticator,
			Created:        now,
			Renewed:        now,
			Limit:          limit,
		}
		return d.putSession(w, &session)
	})
	return id + "." + secret, session, err
}

// BySession returns who the session cookie belongs to, or ErrInvalid. The
// Identity may be that of other requests too: it must not be changed.
func (d *Directory) BySession(ctx context.Context, cookie string) (*Identity, error) {
	if known := d.recall(rememberedSession, cookie); known != nil {
		return known, nil
	}
	id, secret, ok := splitCookie(cookie)
	if !ok {
		return nil, ErrInvalid
	}
	return d.identify(ctx, rememberedSession, cookie, func(r store.Reader) (*Identity, time.Time, error) {
		session, err := d.session(r, sessionID(id))
		if err != nil {
			return nil, time.Time{}, err
		}
		if !d.keys.Verify(purposeSession, session.SecretHash, []byte(id), []byte(secret)) {
			return nil, time.Time{}, ErrInvalid
		}
		identity, _, err := d.ofSession(r, session)
		return identity, d.end(session), err
	})
}

// RenewSession prolongs a session that had traffic, at most once per tenth of
// the idle limit; it returns at once when it is too early. A session that was
// revoked meanwhile stays so, and ErrInvalid is returned.
func (d *Directory) RenewSession(ctx context.Context, session *Session) error {
	if d.now().Sub(session.Renewed) < d.sessionLimits().Idle/renewals {
		return nil
	}
	return d.store.Update(ctx, func(w store.Writer) error {
		current, err := getSession(w, session.ID)
		if err != nil {
			return err
		}
		if d.now().Sub(current.Renewed) < d.sessionLimits().Idle/renewals {
			return nil
		}
		current.Renewed = d.now().UTC()
		return d.putSession(w, &current)
	})
}

// DeleteSession logs one session out: the session ends, and with it every token
// that was issued within it. An unknown session is not an error.
func (d *Directory) DeleteSession(ctx context.Context, session *Session) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		if err := deleteSession(w, *session); err != nil {
			return err
		}
		return deleteTokens(w, UserOwner(session.User), func(token Token) bool {
			return token.BrowserSession == session.BrowserSession
		})
	})
}

// DeleteSessions logs a user out everywhere.
func (d *Directory) DeleteSessions(ctx context.Context, user string) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		if err := deleteSessions(w, user); err != nil {
			return err
		}
		return deleteTokens(w, UserOwner(user), func(token Token) bool {
			return token.BrowserSession != ""
		})
	})
}

// ofSession is who a live session belongs to, with all that they hold. The
// limits in force count, also for sessions that began under longer ones.
func (d *Directory) ofSession(r store.Reader, session Session) (*Identity, expansion, error) {
	if !d.now().Before(d.end(session)) {
		return nil, expansion{}, ErrInvalid
	}
	user, err := d.user(r, session.User)
	if errors.Is(err, ErrNotFound) || err == nil && user.Number != session.UserNumber {
		return nil, expansion{}, ErrInvalid
	}
	if err != nil {
		return nil, expansion{}, err
	}
	held, err := d.userScopes(r, user)
	if err != nil {
		return nil, expansion{}, err
	}
	if held, err = d.within(r, session.Limit, user, held); err != nil {
		return nil, expansion{}, err
	}
	if session.Confirmed, err = d.confirmed(r, user, session); err != nil {
		return nil, expansion{}, err
	}
	return &Identity{Owner: UserOwner(user.Name), User: &user, Scopes: held.set, Session: &session}, held, nil
}

// end is when a session ends unless it is renewed.
func (d *Directory) end(session Session) time.Time {
	limits := d.sessionLimits()
	idle, lifetime := session.Renewed.Add(limits.Idle), session.Created.Add(limits.Lifetime)
	if lifetime.Before(idle) {
		return lifetime
	}
	return idle
}

func (d *Directory) putSession(w store.Writer, session *Session) error {
	session.Expires = d.end(*session)
	if err := userSessions.Put(w, store.Join(session.User, session.ID), struct{}{}, session.Expires); err != nil {
		return err
	}
	return sessions.Put(w, session.ID, *session, session.Expires)
}

// getSession returns a live session by the id of its record, or ErrInvalid.
func getSession(r store.Reader, id string) (Session, error) {
	item, err := sessions.Item(r, id)
	if errors.Is(err, store.ErrNotFound) {
		return Session{}, ErrInvalid
	}
	if err != nil {
		return Session{}, err
	}
	session := item.Value
	session.ID, session.Expires = id, item.Expires
	return session, nil
}

// FindSession looks for a live session by Session.ID, inside a transaction that
// hangs on it.
func FindSession(r store.Reader, id string) (session Session, alive bool, err error) {
	session, err = getSession(r, id)
	if errors.Is(err, ErrInvalid) {
		return session, false, nil
	}
	return session, err == nil, err
}

// session is getSession for requests.
func (d *Directory) session(r store.Reader, id string) (Session, error) {
	session, exists, err := find(d.decoded.sessions, sessions, r, id)
	if err == nil && !exists {
		err = ErrInvalid
	}
	if err != nil {
		return Session{}, err
	}
	session.ID, session.Expires = id, d.end(session)
	session.SecretHash = slices.Clone(session.SecretHash)
	return session, nil
}

func deleteSession(w store.Writer, session Session) error {
	if err := sessions.Delete(w, session.ID); err != nil {
		return err
	}
	return userSessions.Delete(w, store.Join(session.User, session.ID))
}

func deleteSessions(w store.Writer, user string) error {
	return userSessions.Each(w, store.Under(user), func(item store.Item[struct{}]) error {
		parts, err := store.Split(item.ID)
		if err != nil {
			return err
		}
		if err := sessions.Delete(w, parts[1]); err != nil {
			return err
		}
		return userSessions.Delete(w, item.ID)
	})
}

// sessionID is the record's id for the id in the cookie. The id is random
// enough that a plain hash cannot be turned back.
func sessionID(id string) string {
	sum := sha256.Sum256([]byte("caddyhub session " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// maxCookie bounds what is hashed for a cookie that cannot be ours.
const maxCookie = 128

func splitCookie(cookie string) (id, secret string, ok bool) {
	if len(cookie) > maxCookie {
		return "", "", false
	}
	id, secret, ok = strings.Cut(cookie, ".")
	return id, secret, ok && id != "" && secret != "" && !strings.Contains(secret, ".")
}

// SessionLifetime is how long a session may live at most.
func (d *Directory) SessionLifetime() time.Duration { return d.sessionLimits().Lifetime }
