package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// rehashPause is how long no token is hashed anew after that failed once.
const rehashPause = time.Minute

// ByToken returns who a token acts for and with which scopes, or ErrInvalid.
// It accepts visitor tokens as well. The Identity may be that of other requests
// too: it must not be changed. The first use after a rotation of the keys
// hashes a token under the new key, so that the old one can be dropped some day.
func (d *Directory) ByToken(ctx context.Context, secret string) (*Identity, error) {
	if known := d.recall(rememberedToken, secret); known != nil {
		return known, nil
	}
	if len(secret) > maxTokenLength {
		return nil, ErrInvalid
	}
	if IsVisitorToken(secret) {
		return d.byVisitorToken(ctx, secret)
	}
	if len(secret) < MinTokenLength {
		return nil, ErrInvalid
	}
	hashes, used := d.tokenHashes(secret), ""
	found, err := d.identify(ctx, rememberedToken, secret, func(r store.Reader) (*Identity, time.Time, error) {
		token, hash, err := d.lookup(r, hashes)
		if err != nil {
			return nil, time.Time{}, err
		}
		used = hash
		identity, err := d.ofToken(r, token)
		return identity, token.Expires, err
	})
	if err != nil {
		return nil, err
	}
	if used != hashes[0] {
		d.rehash(ctx, used, hashes[0])
	}
	return found, nil
}

// tokenHashes are the hashes under which a token may be stored, that of the
// key in force first.
func (d *Directory) tokenHashes(secret string) []string {
	macs := d.keys.MACs(purposeToken, []byte(secret))
	hashes := make([]string, len(macs))
	for i, mac := range macs {
		hashes[i] = hex.EncodeToString(mac)
	}
	return hashes
}

// findToken returns a token with its hash, or ErrInvalid.
func (d *Directory) findToken(r store.Reader, secret string) (Token, string, error) {
	return d.lookup(r, d.tokenHashes(secret))
}

func (d *Directory) lookup(r store.Reader, hashes []string) (Token, string, error) {
	for _, hash := range hashes {
		token, exists, err := find(d.decoded.tokens, tokens, r, hash)
		if err != nil {
			return Token{}, "", err
		}
		if exists {
			token.Scopes = slices.Clone(token.Scopes)
			return token, hash, nil
		}
	}
	return Token{}, "", ErrInvalid
}

// rehash moves a token from one hash to another. That it fails harms nothing.
func (d *Directory) rehash(ctx context.Context, old, current string) {
	if d.now().Unix() < d.rehashAfter.Load() {
		return
	}
	err := d.store.Update(ctx, func(w store.Writer) error {
		token, exists, err := tokens.Find(w, old)
		if err != nil || !exists {
			return err
		}
		if err := tokens.Delete(w, old); err != nil {
			return err
		}
		return putToken(w, current, token)
	})
	if err != nil {
		d.rehashAfter.Store(d.now().Add(rehashPause).Unix())
		d.log.WarnContext(ctx, "token not hashed under the new key", "error", err)
	}
}

func (d *Directory) ofToken(r store.Reader, token Token) (*Identity, error) {
	identity := &Identity{Owner: token.Owner, Token: &token}
	held, err := d.loadOwner(r, identity, token.OwnerNumber)
	if err != nil {
		return nil, err
	}
	identity.Scopes, err = d.cut(r, token.Scopes, token.Owner, token.Client, held)
	return identity, err
}

// loadOwner fills in the user or service of an identity and returns its scopes.
func (d *Directory) loadOwner(r store.Reader, identity *Identity, number uint64) (expansion, error) {
	if identity.Owner.User != "" {
		user, err := d.user(r, identity.Owner.User)
		if errors.Is(err, ErrNotFound) || err == nil && user.Number != number {
			return expansion{}, ErrInvalid
		}
		if err != nil {
			return expansion{}, err
		}
		identity.User = &user
		return d.userScopes(r, user)
	}
	service, err := d.service(r, identity.Owner.Service)
	if errors.Is(err, ErrNotFound) {
		return expansion{}, ErrInvalid
	}
	if err != nil {
		return expansion{}, err
	}
	identity.Service = &service
	return d.serviceScopes(r, service)
}

// EffectiveScopes are what a token may do now, for its model in the API.
func (d *Directory) EffectiveScopes(r store.Reader, token Token) (scope.Set, error) {
	held, err := d.ownerScopes(r, token.Owner)
	if err != nil {
		return scope.Set{}, err
	}
	return d.cut(r, token.Scopes, token.Owner, token.Client, held)
}
