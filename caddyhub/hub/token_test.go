package hub

import (
	"errors"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// TestIssueToken: an operator's token acts for its user, holds no more than the
// user does, and lives no longer than the configuration allows.
func TestIssueToken(t *testing.T) {
	f := newFixture(t)
	site := f.configure(settings(new(platform), func(s *Settings) { s.Tokens.MaxLifetime = time.Hour }))
	if _, err := f.opened.directory.CreateUser(t.Context(), "ada", false); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		request TokenRequest
		want    error
		lives   time.Duration
	}{
		"all":                  {TokenRequest{User: "ada"}, nil, time.Hour},
		"some":                 {TokenRequest{User: "ada", Scopes: []string{"self"}, Lifetime: time.Minute}, nil, time.Minute},
		"too long":             {TokenRequest{User: "ada", Lifetime: 2 * time.Hour}, ErrLifetime, 0},
		"not held":             {TokenRequest{User: "ada", Scopes: []string{"admin:users"}}, ErrScopes, 0},
		"held":                 {TokenRequest{User: "root", Scopes: []string{"admin:users"}}, nil, time.Hour},
		"no such scope":        {TokenRequest{User: "ada", Scopes: []string{"nonsense"}}, ErrScopes, 0},
		"no such user":         {TokenRequest{User: "nobody"}, identity.ErrNotFound, 0},
		"inherit among others": {TokenRequest{User: "ada", Scopes: []string{"inherit", "admin:users"}}, ErrScopes, 0},
	} {
		secret, token, err := site.IssueToken(t.Context(), test.request)
		if !errors.Is(err, test.want) || err != nil && secret != "" && token.ID != "" {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err != nil {
			continue
		}
		found, err := f.opened.directory.ByToken(t.Context(), secret)
		if err != nil || found.Name() != test.request.User {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if lives := token.Expires.Sub(token.Created); lives != test.lives {
			t.Errorf("%s: lives %s, want %s", name, lives, test.lives)
		}
	}
}
