package oauth

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// badCode is the answer to a code that is unknown, expired, used, or another
// client's. The cases are not told apart.
const badCode = "The code is invalid, has expired or was used before."

// grant is what a code was exchanged for.
type grant struct {
	secret   string
	user     string
	tokenID  string
	scopes   []string
	lifetime time.Duration
}

// exchange makes a token of a code, or returns a *refusal or trouble with the
// store. known is the id of the client, if it has proved to be that.
func (p *Provider) exchange(ctx context.Context, request tokenRequest) (made grant, known string, err error) {
	client, err := p.authenticate(ctx, request.clientID, request.clientSecret)
	if err != nil {
		return grant{}, "", err
	}
	var refused error
	made = grant{secret: newSecret(), lifetime: p.tokenLifetime()}
	err = p.directory.Store().Update(ctx, func(w store.Writer) (err error) {
		// A refusal may have to be written down, so it is not the closure's error.
		refused = nil
		made, err = p.redeem(ctx, w, client, request, made)
		if errors.As(err, new(*refusal)) {
			refused, err = err, nil
		}
		return err
	})
	if err != nil {
		return grant{}, client.ID, err
	}
	return made, client.ID, refused
}

// authenticate returns the client that knows this secret. An unknown client and
// a wrong secret are one case, and cost the same.
func (p *Provider) authenticate(ctx context.Context, id, secret string) (client identity.OAuthClient, err error) {
	err = p.directory.Store().View(ctx, func(r store.Reader) (err error) {
		client, err = identity.GetClient(r, id)
		if errors.Is(err, identity.ErrNotFound) {
			client, err = identity.OAuthClient{ID: id}, nil
		}
		return err
	})
	if err != nil {
		return client, err
	}
	known := p.directory.VerifyClientSecret(client, secret)
	if !known || secret == "" || len(client.SecretHash) == 0 {
		return client, &refusal{status: http.StatusUnauthorized, code: invalidClient}
	}
	return client, nil
}

// redeem uses a code up and stores the token that it is worth, inside a
// transaction. Whatever the outcome, the first attempt of the code's own client
// is the only one: who guesses at its bindings has one guess.
func (p *Provider) redeem(ctx context.Context, w store.Writer, client identity.OAuthClient, request tokenRequest, made grant) (grant, error) {
	id, record, found, err := p.findCode(w, request.code)
	if err != nil {
		return made, err
	}
	if !found || record.ClientID != client.ID {
		return made, refuseAsJSON(invalidGrant, badCode)
	}
	if record.Used {
		return made, p.replayed(ctx, w, record)
	}
	token, refused, err := p.mint(w, client, record, request, made)
	if err != nil {
		return made, err
	}
	record.Used, record.TokenID = true, token.ID
	if err := codes.Put(w, id, record, p.now().Add(codeMemory)); err != nil {
		return made, err
	}
	made.scopes, made.user, made.tokenID = record.Scopes, record.User, token.ID
	return made, refused
}

// replayed revokes what a code was exchanged for: one of its two users has
// stolen it (RFC 6749, 4.1.2).
func (p *Provider) replayed(ctx context.Context, w store.Writer, record code) error {
	p.log.WarnContext(ctx, "an OAuth code was used again; the token of its first use is revoked",
		"client_id", record.ClientID, "user", record.User, "token", record.TokenID)
	if record.TokenID != "" {
		if err := identity.DeleteTokenIn(w, identity.UserOwner(record.User), record.TokenID); err != nil {
			return err
		}
	}
	return refuseAsJSON(invalidGrant, badCode)
}

// mint stores the token of a code if everything that the code is bound to still
// holds; if not, it says so as a refusal.
func (p *Provider) mint(w store.Writer, client identity.OAuthClient, record code, request tokenRequest, made grant) (token identity.Token, refused, err error) {
	if record.RedirectURI != request.redirectURI {
		return token, refuseAsJSON(invalidRequest, "Mismatching redirect URI."), nil
	}
	if refused := checkVerifier(record.Challenge, request.verifier); refused != nil {
		return token, refused, nil
	}
	alive, err := stillValid(w, client, record)
	if err != nil || !alive {
		return token, refuseAsJSON(invalidGrant, badCode), err
	}
	token, err = p.directory.CreateTokenIn(w, made.secret, identity.NewToken{
		Owner:          identity.UserOwner(record.User),
		Scopes:         record.Scopes,
		ClientID:       client.ID,
		Client:         client.Target,
		BrowserSession: record.BrowserSession,
		Lifetime:       made.lifetime,
	})
	return token, nil, err
}

// stillValid says whether client, user and login are the ones that the code was
// issued for, in the transaction that makes the token.
func stillValid(r store.Reader, client identity.OAuthClient, record code) (bool, error) {
	registered, err := identity.GetClient(r, client.ID)
	if errors.Is(err, identity.ErrNotFound) {
		return false, nil
	}
	if err != nil || !bytes.Equal(registered.SecretHash, record.Registration) || !bytes.Equal(registered.SecretHash, client.SecretHash) {
		return false, err
	}
	user, err := identity.GetUser(r, record.User)
	if errors.Is(err, identity.ErrNotFound) {
		return false, nil
	}
	if err != nil || user.Number != record.UserNumber {
		return false, err
	}
	session, found, err := identity.FindSession(r, record.SessionID)
	return found && session.UserNumber == record.UserNumber, err
}
