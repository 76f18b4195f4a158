package server

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// credentials makes the server's API token and its OAuth client, whose secret
// the token is (JupyterHub "3.1").
func (m *Manager) credentials(w store.Writer, r request, s *Server, secret string) error {
	target := scope.Client{Server: scope.Server{User: s.User, Name: s.Name}}
	path := r.settings.Base.Server(s.User, s.Name)
	scopes, err := tokenScopes(w, r.settings.Launch.TokenScopes)
	if err != nil {
		return err
	}
	token, err := m.directory.CreateTokenIn(w, secret, identity.NewToken{
		Owner:  identity.UserOwner(s.User),
		Scopes: scopes,
		Client: target,
		Note:   "Server at " + path,
	})
	if err != nil {
		return err
	}
	s.TokenID, s.ClientID = token.ID, hubpath.ClientID(s.User, s.Name)
	// Tokens of an earlier run of the server end here if they have not yet.
	if err := identity.DeleteClient(w, s.ClientID); err != nil {
		return err
	}
	return m.directory.PutClient(w, identity.OAuthClient{
		ID:            s.ClientID,
		RedirectURI:   r.settings.callback(s.User, s.Name),
		AllowedScopes: r.settings.Launch.AllowedScopes,
		Description:   "Server at " + path,
		Target:        target,
	}, secret)
}

// tokenScopes are those of the server's token: as configured, and always the
// right to report activity, without which every server looks idle; or those of
// the role "server".
func tokenScopes(r store.Reader, configured []string) ([]string, error) {
	if configured == nil {
		role, err := identity.GetRole(r, identity.RoleServer)
		return role.Scopes, err
	}
	reports := func(scope string) bool {
		return scope == "inherit" || scope == "users:activity" || strings.HasPrefix(scope, "users:activity!")
	}
	if slices.ContainsFunc(configured, reports) {
		return configured, nil
	}
	return append(slices.Clone(configured), "users:activity!user"), nil
}

// newSecret is a token as JupyterHub issues them to servers: 32 hexadecimal digits.
func newSecret() string {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	return hex.EncodeToString(secret)
}
