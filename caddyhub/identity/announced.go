package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrAnnounced says that a logout with this id has been carried out before.
var ErrAnnounced = errors.New("identity: this logout has been announced before")

// Elsewhere is how the site that vouched for a user calls a login. What is empty is
// not known.
type Elsewhere struct {
	Subject string
	Session string
}

// AnnouncedLogout is a logout at another site, of which that site has told us.
type AnnouncedLogout struct {
	// Authenticator whose site it is.
	Authenticator string
	// Elsewhere is whose: one login or, with a subject alone, all of that subject.
	Elsewhere
	// ID of the announcement counts once. It is remembered until Expires.
	ID      string
	Expires time.Time
}

// elsewhereEntry leads from a login elsewhere to a session of ours.
type elsewhereEntry struct {
	// Session elsewhere; empty if that site has not told.
	Session string `json:"session,omitempty"`
}

// The kinds of what leads to a session, for the ids of elsewhereEntries.
const (
	bySubject = "subject"
	bySession = "session"
)

var (
	// elsewhereEntries have ids of authenticator, kind, hash and session. They may
	// outlive their session, and lead nowhere then.
	elsewhereEntries = store.Collection[elsewhereEntry]{Kind: "session_of_elsewhere"}
	// announcedLogouts have ids of authenticator and hash.
	announcedLogouts = store.Collection[struct{}]{Kind: "announced_logout"}
)

// TieSession notes how the site that vouched for the user calls the login behind a
// session, so that EndAnnounced finds it. To be called before the browser has the
// cookie.
func (d *Directory) TieSession(ctx context.Context, session Session, elsewhere Elsewhere) error {
	if elsewhere == (Elsewhere{}) {
		return nil
	}
	expires := session.Created.Add(d.sessionLimits().Lifetime)
	return d.store.Update(ctx, func(w store.Writer) error {
		for kind, value := range map[string]string{bySubject: elsewhere.Subject, bySession: elsewhere.Session} {
			if value == "" {
				continue
			}
			id := store.Join(session.Authenticator, kind, foreignID(value), session.ID)
			if err := elsewhereEntries.Put(w, id, elsewhereEntry{elsewhere.Session}, expires); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndAnnounced ends the sessions that a logout elsewhere is about, with the tokens
// that were issued within them, in one transaction, and returns them. ErrAnnounced if
// it was carried out before.
func (d *Directory) EndAnnounced(ctx context.Context, logout AnnouncedLogout) (ended []Session, err error) {
	if logout.ID == "" || logout.Elsewhere == (Elsewhere{}) {
		return nil, fmt.Errorf("%w: a logout without an id, or of nobody", ErrInvalid)
	}
	seen := store.Join(logout.Authenticator, foreignID(logout.ID))
	err = d.store.Update(ctx, func(w store.Writer) error {
		ended = nil
		if _, before, err := announcedLogouts.Find(w, seen); err != nil {
			return err
		} else if before {
			return ErrAnnounced
		}
		if err := announcedLogouts.Put(w, seen, struct{}{}, logout.Expires); err != nil {
			return err
		}
		return logout.each(w, func(id string) error {
			session, alive, err := FindSession(w, id)
			if err != nil || !alive {
				return err
			}
			ended = append(ended, session)
			if err := deleteSession(w, session); err != nil {
				return err
			}
			return deleteTokens(w, UserOwner(session.User), func(token Token) bool {
				return token.BrowserSession == session.BrowserSession
			})
		})
	})
	return ended, err
}

// each goes through the ids of the sessions that a logout is about. One that names
// a session is also about those of the subject whose session there is not known.
func (l AnnouncedLogout) each(w store.Writer, do func(session string) error) error {
	visit := func(kind, value string, meant func(elsewhereEntry) bool) error {
		if value == "" {
			return nil
		}
		return elsewhereEntries.Each(w, store.Under(l.Authenticator, kind, foreignID(value)), func(item store.Item[elsewhereEntry]) error {
			if !meant(item.Value) {
				return nil
			}
			parts, err := store.Split(item.ID)
			if err != nil {
				return err
			}
			if err := elsewhereEntries.Delete(w, item.ID); err != nil {
				return err
			}
			return do(parts[len(parts)-1])
		})
	}
	if err := visit(bySession, l.Session, func(elsewhereEntry) bool { return true }); err != nil {
		return err
	}
	return visit(bySubject, l.Subject, func(entry elsewhereEntry) bool { return l.Session == "" || entry.Session == "" })
}

// foreignID stands for an id of another site, which may be long, and somebody's
// name.
func foreignID(id string) string {
	sum := sha256.Sum256([]byte("caddyhub elsewhere " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
