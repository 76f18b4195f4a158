package oauth_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Another user's server asks the first time, and not again as long as a token
// lives that the user agreed to.
func TestSharedServer(t *testing.T) {
	h := newHub(t)
	bob, session := h.login(t, "bob")
	address := h.server().AuthCodeURL("state")
	page := get(t, bob, address)
	scopes := []string{"access:servers!server=ada/", "read:users:groups!user", "read:users:name!user"}
	if diff := cmp.Diff(scopes, page.fields("scopes")); page.StatusCode != http.StatusOK || diff != "" || page.Header.Get("Location") != "" {
		t.Fatalf("%d %s\n%s", page.StatusCode, page.body, diff)
	}
	for _, want := range []string{"<h1>Server at /user/ada/</h1>", "<p>" + serverCallback + "</p>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s: %s", want, page.body)
		}
	}
	if strings.Contains(page.body, "<li>") {
		t.Errorf("permissions beyond access: %s", page.body)
	}
	told := post(t, bob, address, url.Values{"_xsrf": page.fields("_xsrf"), "scopes": scopes}).told(serverCallback)
	token, err := h.server().Exchange(t.Context(), told.Get("code"))
	if err != nil || told.Get("state") != "state" {
		t.Fatal(told, err)
	}
	who, err := h.directory.ByToken(t.Context(), token.AccessToken)
	if err != nil || who.Name() != "bob" || !who.Scopes.Contains(scopes[0]) {
		t.Errorf("%+v, %v", who, err)
	}
	h.code(t, bob, h.server()) // no page
	if err := h.directory.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	bob, _ = h.login(t, "bob")
	if page := get(t, bob, address); page.StatusCode != http.StatusOK {
		t.Errorf("no question after the tokens ended: %d", page.StatusCode)
	}
}

func TestConsentForm(t *testing.T) {
	h := newHub(t)
	bob, _ := h.login(t, "bob")
	ada, _ := h.login(t, "ada")
	address := h.server().AuthCodeURL("state")
	proof := get(t, bob, address).fields("_xsrf")
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	foreign.Header.Set("Content-Type", "application/json")
	tests := []struct {
		name   string
		got    answer
		status int
		about  string
	}{
		{"no proof", post(t, bob, address, url.Values{"scopes": {"identify"}}), 403, "'_xsrf' argument missing from POST"},
		{"forged proof", post(t, bob, address, url.Values{"_xsrf": {"forged"}}), 403, "XSRF cookie does not match POST argument"},
		{"somebody else's proof", post(t, ada, address, url.Values{"_xsrf": proof}), 403, "XSRF cookie does not match POST argument"},
		{"a second client", post(t, bob, address, url.Values{"_xsrf": proof, "client_id": {serviceID}}), 400, "Duplicate client_id parameter."},
		{"a second address", post(t, bob, address, url.Values{"_xsrf": proof, "redirect_uri": {"/x"}}), 400, "Duplicate redirect_uri parameter."},
		{"no form", do(t, bob, foreign), 400, "Unable to parse the form."},
		{"long form", post(t, bob, address, url.Values{"_xsrf": proof, "x": {strings.Repeat("x", 300<<10)}}), 413, "The form is too long."},
		{"bad client", post(t, bob, h.request("client_id", "x"), url.Values{"_xsrf": proof}), 400, "Invalid client_id parameter value."},
		{"bad address", post(t, bob, h.request("redirect_uri", "/x"), url.Values{"_xsrf": proof}), 400, "Mismatching redirect URI."},
	}
	for _, test := range tests {
		if test.got.StatusCode != test.status || test.got.body != test.about || test.got.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q %q", test.name, test.got.StatusCode, test.got.Header.Get("Location"), test.got.body)
		}
	}
	eve, _ := h.login(t, "eve")
	evesProof := get(t, eve, h.request("client_id", serviceID, "redirect_uri", serviceCallback)).fields("_xsrf")
	if got := post(t, eve, address, url.Values{"_xsrf": evesProof, "scopes": {"access:servers!server=ada/"}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("a form takes the place of permission: %d %s", got.StatusCode, got.body)
	}
	if told := post(t, bob, address, url.Values{"_xsrf": proof}).told(serverCallback); told.Get("code") == "" {
		t.Errorf("no scopes at all are not identify: %v", told)
	}
}

// A page of another user on the same origin cannot fetch the form.
func TestConsentIsForPeople(t *testing.T) {
	h := newHub(t)
	bob, _ := h.login(t, "bob")
	for mode, want := range map[string]int{"": 200, "navigate": 200, "cors": 403, "same-origin": 403, "no-cors": 403} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.request(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if mode != "" {
			request.Header.Set("Sec-Fetch-Mode", mode)
		}
		if got := do(t, bob, request); got.StatusCode != want || (len(got.fields("_xsrf")) == 1) != (want == 200) {
			t.Errorf("mode %q: %d %s", mode, got.StatusCode, got.body)
		}
	}
}

// A service gets what it asked for, as far as it may, the user has it, and the
// user agrees.
func TestServiceScopes(t *testing.T) {
	h := newHub(t)
	basic := []string{"access:services!service=grafana", "read:users:groups!user", "read:users:name!user"}
	with := func(more ...string) []string { return slices.Sorted(slices.Values(append(more, basic...))) }
	tests := []struct {
		name, scope string
		agree       []string // nil means as offered
		offered     []string
		granted     []string // nil means as offered
		refused     string
	}{
		{name: "all by default", offered: with("read:servers!user", "read:users:activity!user=ada", "tokens!user")},
		{name: "identify", scope: "identify", offered: basic},
		{name: "one", scope: "tokens!user", offered: with("tokens!user")},
		{name: "a part", scope: "read:tokens!user=ada identify", offered: with("read:tokens!user=ada")},
		{name: "spaces", scope: "  tokens!user   ", offered: with("tokens!user")},
		{name: "what the user lacks is left out", scope: "read:users:activity", offered: with("read:users:activity!user=ada")},
		{name: "twice", scope: "tokens!user tokens!user", offered: with("tokens!user")},
		{name: "narrowed", scope: "tokens!user read:servers!user", agree: []string{"tokens!user"},
			offered: with("read:servers!user", "tokens!user"), granted: with("tokens!user")},
		{name: "narrowed to a part", scope: "tokens!user", agree: []string{"read:tokens!user"}, offered: with("tokens!user"), granted: with("read:tokens!user")},
		{name: "narrowed to nothing", scope: "tokens!user", agree: []string{}, offered: with("tokens!user"), granted: basic},
		{name: "agreed to more than was offered", scope: "read:tokens!user", agree: []string{"tokens!user"}, offered: with("read:tokens!user"), refused: "invalid_scope"},
		{name: "agreed to everything", scope: "tokens!user", agree: []string{"inherit"}, offered: with("tokens!user"), refused: "invalid_scope"},
		{name: "agreed to nonsense", scope: "tokens!user", agree: []string{"<script>"}, offered: with("tokens!user"), refused: "invalid_scope"},
	}
	for _, test := range tests {
		ada, session := h.login(t, "ada")
		address := h.request("client_id", serviceID, "redirect_uri", serviceCallback, "scope", test.scope)
		page := get(t, ada, address)
		if diff := cmp.Diff(test.offered, page.fields("scopes")); diff != "" {
			t.Errorf("%s: %d offered %s", test.name, page.StatusCode, diff)
		}
		if test.agree == nil {
			test.agree = page.fields("scopes")
		}
		if test.granted == nil {
			test.granted = test.offered
		}
		told := post(t, ada, address, url.Values{"_xsrf": page.fields("_xsrf"), "scopes": test.agree}).told(serviceCallback)
		if told == nil || told.Get("error") != test.refused {
			t.Errorf("%s: told %v", test.name, told)
		}
		if test.refused != "" || !told.Has("code") {
			continue
		}
		token, err := h.service().Exchange(t.Context(), told.Get("code"))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(strings.Join(test.granted, " "), token.Extra("scope")); diff != "" {
			t.Errorf("%s: granted %s", test.name, diff)
		}
		// Without the tokens, the next test is asked again.
		if err := h.directory.DeleteSession(t.Context(), &session); err != nil {
			t.Fatal(err)
		}
	}
}

// Consent covers what was agreed to, and more is asked again.
func TestConsentCovers(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	address := func(scope string) string {
		return h.request("client_id", serviceID, "redirect_uri", serviceCallback, "scope", scope)
	}
	page := get(t, ada, address("read:servers!user"))
	if !strings.Contains(page.body, "<li>read:servers|") || !strings.Contains(page.body, "|only you</li>") {
		t.Errorf("permissions: %s", page.body)
	}
	told := post(t, ada, address("read:servers!user"), url.Values{"_xsrf": page.fields("_xsrf"), "scopes": page.fields("scopes")}).told(serviceCallback)
	token, err := h.service().Exchange(t.Context(), told.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	for scope, asked := range map[string]bool{"identify": false, "read:servers!user": false, "tokens!user": true, "read:servers!user tokens!user": true} {
		if got := get(t, ada, address(scope)); (got.StatusCode == http.StatusOK) != asked {
			t.Errorf("%s: %d", scope, got.StatusCode)
		}
	}
	who, err := h.directory.ByToken(t.Context(), token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.directory.DeleteToken(t.Context(), who.Owner, who.Token.ID); err != nil {
		t.Fatal(err)
	}
	if got := get(t, ada, address("identify")); got.StatusCode != http.StatusOK {
		t.Errorf("no question after the agreement was taken back: %d", got.StatusCode)
	}
}

// The operator may have agreed for everybody, and a client that inherits may
// ask for a role by name.
func TestNoConfirmInheritAndRoles(t *testing.T) {
	h := newHub(t)
	h.update(t, func(w store.Writer) error {
		client, err := identity.GetClient(w, serviceID)
		if err != nil {
			return err
		}
		client.NoConfirm, client.AllowedScopes = true, []string{"inherit", "self", "gone:scope"}
		return h.directory.PutClient(w, client, serviceSecret)
	})
	eve, _ := h.login(t, "eve")
	for scope, want := range map[string]string{
		"":        "access:services!service=grafana inherit read:users:groups!user read:users:name!user self",
		"inherit": "access:services!service=grafana inherit read:users:groups!user read:users:name!user",
		"user":    "access:services!service=grafana read:users:groups!user read:users:name!user self",
	} {
		told := get(t, eve, h.request("client_id", serviceID, "redirect_uri", serviceCallback, "scope", scope)).told(serviceCallback)
		token, err := h.service().Exchange(t.Context(), told.Get("code"))
		if err != nil {
			t.Errorf("%q: %v, %v", scope, told, err)
			continue
		}
		if diff := cmp.Diff(want, token.Extra("scope")); diff != "" {
			t.Errorf("%q: %s", scope, diff)
		}
	}
}

// A scope that stands in a role of the user, or of a group, is granted as it
// stands there.
func TestScopesAsWritten(t *testing.T) {
	h := newHub(t)
	const text = "read:services:name!service"
	config := configuration()
	config.Services[0].OAuthClientAllowedScopes = []string{text}
	for i := range config.Roles {
		if config.Roles[i].Name == "guest" {
			config.Roles[i].Scopes = append(config.Roles[i].Scopes, text)
		}
	}
	if err := h.directory.Apply(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, err := h.apply(t, config.Services...); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]bool{"bob": true, "eve": false} {
		visitor, _ := h.login(t, user)
		page := get(t, visitor, h.request("client_id", serviceID, "redirect_uri", serviceCallback))
		if got := slices.Contains(page.fields("scopes"), text); page.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d %s", user, page.StatusCode, page.body)
		}
	}
}

// With a public URL, people see where an agreement leads.
func TestPublicURL(t *testing.T) {
	h := newHub(t)
	h.serve(t, oauth.Options{PublicURL: &url.URL{Scheme: "https", Host: "hub.example.org"}})
	bob, _ := h.login(t, "bob")
	if page := get(t, bob, h.request()); !strings.Contains(page.body, "<p>https://hub.example.org"+serverCallback+"</p>") {
		t.Errorf("%d %s", page.StatusCode, page.body)
	}
	page := get(t, bob, h.request("client_id", serviceID, "redirect_uri", serviceCallback))
	if !strings.Contains(page.body, "<p>"+serviceCallback+"</p>") {
		t.Errorf("%d %s", page.StatusCode, page.body)
	}
}

// Traffic keeps the login alive that it comes with.
func TestRenewsSession(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	for range 4 {
		h.clock.Advance(5 * time.Hour)
		h.code(t, ada, h.server())
	}
}
