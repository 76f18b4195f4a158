package oidc

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// maxState bounds what is kept with a user, in bytes: every node has it in memory.
const maxState = 64 << 10

// state is the auth state. The names are those that JupyterHub's OAuthenticator
// uses, for hooks and services that read it.
type state struct {
	Issuer       string        `json:"issuer"`
	ClientID     string        `json:"client_id"`
	AccessToken  string        `json:"access_token"`
	RefreshToken string        `json:"refresh_token,omitempty"`
	IDToken      string        `json:"id_token,omitempty"`
	Scope        []string      `json:"scope"`
	Expires      time.Time     `json:"expires_at,omitzero"` // of the access token; zero: unknown
	Claims       claims.Claims `json:"oauth_user,omitempty"`
}

// keep takes what a token endpoint answered.
func (a *Authenticator) keep(token *oauth2.Token) state {
	idToken, _ := token.Extra("id_token").(string)
	scope, _ := token.Extra("scope").(string)
	return state{
		Issuer: a.options.Issuer, ClientID: a.options.ClientID,
		AccessToken: token.AccessToken, RefreshToken: token.RefreshToken, IDToken: idToken,
		Scope: strings.Fields(cmp.Or(scope, strings.Join(a.options.Scopes, " "))), Expires: token.Expiry.UTC(),
	}
}

// renewed is the state after a refresh: what the answer does not have stays.
func (s state) renewed(by state) state {
	by.IDToken, by.Claims = cmp.Or(by.IDToken, s.IDToken), s.Claims
	return by
}

// seal writes the state. The claims go first if it is too long: they are in the ID
// token, too.
func (s state) seal() (json.RawMessage, error) {
	text, err := json.Marshal(s)
	if len(text) > maxState {
		s.Claims = nil
		text, err = json.Marshal(s)
	}
	if err == nil && len(text) > maxState {
		err = fmt.Errorf("%w: the provider's tokens are longer than 64 KiB", authenticator.ErrUnavailable)
	}
	return text, err
}

// open reads the state of a user who logged in here; false if he did not.
func (a *Authenticator) open(text json.RawMessage) (s state, ok bool) {
	if json.Unmarshal(text, &s) != nil {
		return state{}, false
	}
	return s, s.Issuer == a.options.Issuer && s.ClientID == a.options.ClientID
}

// lastClaims are those of the ID token that is kept. It was verified when it came,
// and the hub has kept it since.
func (s state) lastClaims() (claims.Claims, error) {
	parts := strings.Split(s.IDToken, ".")
	if len(parts) != 3 {
		return nil, errors.New("no ID token is kept")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	return claims.Parse(text)
}
