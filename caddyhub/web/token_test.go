package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var secretPattern = regexp.MustCompile(`id="token-result">([^<]+)<`)

func TestRequestToken(t *testing.T) {
	s := newSite(t, func(s *setup) { s.TokenMaxLifetime = 30 * 24 * time.Hour })
	p := s.person().login("ada")
	ask := func(fields url.Values) answer { return p.submit("/hub/token", "/hub/token", fields) }

	got := ask(url.Values{"note": {"for <me>"}, "expires_in": {"3600"}, "scopes": {"read:users!user=ada  access:servers!user"}})
	got.want(t, "request", http.StatusOK, "for &lt;me&gt;")
	found := secretPattern.FindStringSubmatch(got.body)
	if found == nil {
		t.Fatalf("no token\n%s", got.body)
	}
	who, err := s.options.Directory.ByToken(t.Context(), found[1])
	if err != nil || who.Name() != "ada" || time.Until(who.Token.Expires) > time.Hour {
		t.Errorf("token: %+v, %v", who, err)
	}
	if strings.Contains(p.get("/hub/token").body, found[1]) {
		t.Error("the token is shown twice")
	}
	plain := ask(url.Values{})
	plain.want(t, "all by default", http.StatusOK, "Requested via token page")
	who, err = s.options.Directory.ByToken(t.Context(), secretPattern.FindStringSubmatch(plain.body)[1])
	if err != nil || who.Token.Scopes[0] != "inherit" || who.Token.Expires.IsZero() {
		t.Errorf("token without wishes: %+v, %v", who.Token, err)
	}
	for name, test := range map[string]struct {
		fields url.Values
		text   string
	}{
		"not held":   {url.Values{"scopes": {"admin:users"}, "note": {"mine"}}, "Not assigning requested scopes"},
		"kept":       {url.Values{"scopes": {"admin:users"}, "note": {"mine"}}, `value="mine"`},
		"others'":    {url.Values{"scopes": {"read:users!user=bob"}}, "Not assigning requested scopes"},
		"unknown":    {url.Values{"scopes": {"no:such:scope"}}, "does not exist"},
		"malformed":  {url.Values{"scopes": {"<script>"}}, "malformed scope"},
		"too long":   {url.Values{"expires_in": {"31536000"}}, "token expires_in: 31536000 must not exceed 2592000"},
		"no number":  {url.Values{"expires_in": {"1h"}}, "number of seconds"},
		"negative":   {url.Values{"expires_in": {"-5"}}, "number of seconds"},
		"huge":       {url.Values{"expires_in": {"99999999999999999999"}}, "number of seconds"},
		"long notes": {url.Values{"note": {strings.Repeat("n", maxNote+1)}}, "The note is too long."},
	} {
		ask(test.fields).want(t, name, http.StatusBadRequest, test.text)
	}
	if count := len(s.tokensOf("ada")); count != 2 {
		t.Errorf("%d tokens", count)
	}
}

func (s *site) tokensOf(user string) (list []identity.Token) {
	s.t.Helper()
	err := s.store.View(s.t.Context(), func(r store.Reader) (err error) {
		list, err = identity.Tokens(r, identity.UserOwner(user))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func TestListAndRevokeTokens(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	s.token("bob")
	add := func(client, note string) {
		t.Helper()
		_, err := s.options.Directory.CreateToken(t.Context(), "secret-of-"+client+note, identity.NewToken{
			Owner: identity.UserOwner("ada"), Scopes: []string{"read:users!user=ada"}, ClientID: client, Note: note,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	add("", "first")
	add("service-grafana", "g1")
	add("service-grafana", "g2")
	err := s.store.Update(t.Context(), func(w store.Writer) error {
		return s.options.Directory.PutClient(w, identity.OAuthClient{ID: "service-grafana", Description: "Graphs <b>"}, "secret-secret")
	})
	if err != nil {
		t.Fatal(err)
	}
	got := p.get("/hub/token")
	got.want(t, "list", http.StatusOK, "first")
	if strings.Count(got.body, "Graphs &lt;b&gt;</th>") != 1 || strings.Contains(got.body, "secret-of") {
		t.Errorf("applications\n%s", got.body)
	}
	ids := make(map[string]string)
	for _, token := range s.tokensOf("ada") {
		ids[token.Note] = token.ID
	}
	foreign := s.tokensOf("bob")[0].ID
	p.submit("/hub/token", "/hub/token/revoke/"+foreign, nil).want(t, "somebody else's", http.StatusSeeOther, "/hub/token")
	if len(s.tokensOf("bob")) != 1 {
		t.Error("somebody else's token was revoked")
	}
	p.submit("/hub/token", "/hub/token/revoke/"+ids["first"], nil).want(t, "revoke", http.StatusSeeOther, "/hub/token")
	if left := s.tokensOf("ada"); len(left) != 2 {
		t.Errorf("%d tokens left", len(left))
	}
	p.submit("/hub/token", "/hub/token/revoke/"+ids["g1"], nil).want(t, "revoke an application", http.StatusSeeOther, "/hub/token")
	if left := s.tokensOf("ada"); len(left) != 0 {
		t.Errorf("%d tokens left", len(left))
	}
	p.submit("/hub/token", "/hub/token/revoke/none", nil).want(t, "unknown", http.StatusSeeOther, "/hub/token")
}
