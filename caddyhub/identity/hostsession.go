package identity

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// hostSessionPrefix tells cookies of other hosts from the hub's own, which have
// a secret behind their first dot and no second one.
const hostSessionPrefix = "host."

const purposeHostSession = "host session"

// HostSession returns the value of the session cookie for another host than the
// hub's, where the same login is to count. It is a child of the hub's session:
// nothing is stored for it, the hub recognises its own signature and looks at the
// session, so the two end together, on every node. It is worth nothing on any
// other host and nothing where the hub's own cookie is asked for.
//
// host is in canonical form, with its port unless that is the default one.
func (d *Directory) HostSession(session *Session, host string) string {
	mac := d.keys.MAC(purposeHostSession, []byte(session.ID), []byte(host))
	return hostSessionPrefix + session.ID + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// ByHostSession returns who the session cookie of a host belongs to, or
// ErrInvalid; the cookie of the hub itself is invalid here. Identity.Session is
// the hub's session. The Identity may be that of other requests too: it must not
// be changed.
func (d *Directory) ByHostSession(ctx context.Context, cookie, host string) (*Identity, error) {
	// A host has no slash, so that this reads in one way only.
	remembered := host + "/" + cookie
	if known := d.recall(rememberedHostSession, remembered); known != nil {
		return known, nil
	}
	id, mac, ok := splitHostCookie(cookie)
	if !ok || !d.keys.Verify(purposeHostSession, mac, []byte(id), []byte(host)) {
		return nil, ErrInvalid
	}
	return d.identify(ctx, rememberedHostSession, remembered, func(r store.Reader) (*Identity, time.Time, error) {
		session, err := d.session(r, id)
		if err != nil {
			return nil, time.Time{}, err
		}
		identity, _, err := d.ofSession(r, session)
		return identity, d.end(session), err
	})
}

func splitHostCookie(cookie string) (id string, mac []byte, ok bool) {
	rest, found := strings.CutPrefix(cookie, hostSessionPrefix)
	if !found || len(cookie) > maxCookie {
		return "", nil, false
	}
	id, signature, found := strings.Cut(rest, ".")
	if !found || id == "" {
		return "", nil, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	return id, mac, err == nil
}
