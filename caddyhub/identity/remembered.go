package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxRemembered is how long a credential may be to be remembered, in bytes.
const maxRemembered = 1024

// Kinds of credentials, which are never taken for each other.
const (
	rememberedSession     = 's'
	rememberedHostSession = 'h'
	rememberedToken       = 't'
	rememberedGrant       = 'g'
)

// remembered is who a credential belongs to, found out in an earlier request.
// It counts as long as that request would find the same: no record that it read
// has changed, no time has run out, and settings and keys are the same.
type remembered struct {
	identity *Identity
	records  store.Validity
	// until is when the credential ends; zero if only its record says.
	until    time.Time
	settings *Settings
	keys     keyring.InForce
}

// credentials remembers by a salted hash, so that secrets do not lie around in
// memory and a look-up tells nothing by the time it takes.
type credentials struct {
	salt  [16]byte
	known *memo[remembered]
}

func newCredentials() *credentials {
	c := &credentials{known: newMemo[remembered]()}
	rand.Read(c.salt[:])
	return c
}

// fingerprint stands for a credential; ok is false for one that is too long.
func (c *credentials) fingerprint(kind byte, secret string) (sum [sha256.Size]byte, ok bool) {
	if len(secret) > maxRemembered {
		return sum, false
	}
	var buffer [16 + 1 + maxRemembered]byte
	n := copy(buffer[:], c.salt[:])
	buffer[n] = kind
	n += 1 + copy(buffer[n+1:], secret)
	return sha256.Sum256(buffer[:n]), true
}

// recall returns who a credential belongs to if that is known and still true.
func (d *Directory) recall(kind byte, secret string) *Identity {
	sum, ok := d.credentials.fingerprint(kind, secret)
	if !ok {
		return nil
	}
	known, found := d.credentials.known.get(sum[:])
	switch {
	case !found,
		known.settings != d.settings.Load(),
		known.keys != d.keys.InForce(),
		!known.until.IsZero() && !d.now().Before(known.until),
		!known.records.Valid():
		return nil
	}
	return known.identity
}

// identify runs find in a View and remembers what it finds. find may run more
// than once; until is when the credential ends, zero if only its record says.
func (d *Directory) identify(ctx context.Context, kind byte, secret string, find func(store.Reader) (found *Identity, until time.Time, err error)) (*Identity, error) {
	fresh := remembered{settings: d.settings.Load(), keys: d.keys.InForce()}
	read := func(r store.Reader) (err error) {
		fresh.identity, fresh.until, err = find(r)
		return err
	}
	var err error
	if remembering, can := d.store.(store.Remembering); can {
		fresh.records, err = remembering.ViewRemembered(ctx, read)
	} else {
		err = d.store.View(ctx, read)
	}
	if err != nil {
		return nil, err
	}
	if sum, ok := d.credentials.fingerprint(kind, secret); ok && fresh.records != nil {
		fresh.identity.activities = fresh.identity.Activities()
		fresh.identity.kept = new(atomic.Pointer[any])
		d.credentials.known.replace(sum[:], fresh)
	}
	return fresh.identity, nil
}
