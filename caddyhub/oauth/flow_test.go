package oauth_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
)

func TestOwnServer(t *testing.T) {
	h := newHub(t)
	ada, session := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	token, err := h.server().Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	// The clock of the client is not ours.
	if token.TokenType != "Bearer" || token.RefreshToken != "" || token.ExpiresIn != 1209600 || len(token.AccessToken) < 30 {
		t.Errorf("token: %+v", token)
	}
	if got := token.Extra("scope"); got != "access:servers!server=ada/ read:users:groups!user read:users:name!user" {
		t.Errorf("scope %q", got)
	}
	who, err := h.directory.ByToken(t.Context(), token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"access:servers!server=ada/", "read:users:groups!user=ada", "read:users:name!user=ada"}
	if diff := cmp.Diff(want, who.Scopes.Strings()); diff != "" || who.Name() != "ada" || who.BrowserSession() != session.BrowserSession {
		t.Errorf("%s of session %s: %s", who.Name(), who.BrowserSession(), diff)
	}
	if got := *who.Token; got.ClientID != serverID || got.Client != adasServer.Target || got.Note != "" || got.OfServer() ||
		!got.Expires.Equal(got.Created.Add(14*24*time.Hour)) {
		t.Errorf("token record: %+v", got)
	}
	stored, err := os.ReadFile(h.file)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"code": code, "token": token.AccessToken, "client secret": serverSecret} {
		if bytes.Contains(stored, []byte(secret)) {
			t.Errorf("the store holds the %s in clear", what)
		}
	}
}

// A client that tries HTTP Basic first, as x/oauth2 does, loses no code by it.
func TestClientThatTriesBasicFirst(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	config := h.server()
	config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
	if _, err := config.Exchange(t.Context(), h.code(t, ada, config)); err != nil {
		t.Error(err)
	}
}

func TestLifetime(t *testing.T) {
	h := newHub(t)
	h.serve(t, oauth.Options{Lifetime: time.Hour})
	ada, _ := h.login(t, "ada")
	token, err := h.server().Exchange(t.Context(), h.code(t, ada, h.server()))
	if err != nil || token.ExpiresIn != 3600 {
		t.Fatalf("%+v, %v", token, err)
	}
	h.clock.Advance(time.Hour)
	if _, err := h.directory.ByToken(t.Context(), token.AccessToken); err == nil {
		t.Error("the token outlived its lifetime")
	}
}

func TestNoLogin(t *testing.T) {
	h := newHub(t)
	address := h.server().AuthCodeURL("a&b=/ü")
	for name, visitor := range map[string]*http.Client{"anonymous": anonymous(), "logged out": h.loggedOut(t)} {
		got := get(t, visitor, address)
		location, err := got.Location()
		if err != nil || got.StatusCode != http.StatusFound || location.Path != "/hub/login" {
			t.Fatalf("%s: %d %v", name, got.StatusCode, location)
		}
		if next := location.Query().Get("next"); h.URL+next != address {
			t.Errorf("%s: next is %s", name, next)
		}
	}
	if got := post(t, anonymous(), address, url.Values{"scopes": {"identify"}}); got.StatusCode != http.StatusFound || !strings.Contains(got.Header.Get("Location"), "/hub/login?next=") {
		t.Errorf("post: %d %v", got.StatusCode, got.Header)
	}
}

func (h *hub) loggedOut(t *testing.T) *http.Client {
	t.Helper()
	visitor, session := h.login(t, "ada")
	if err := h.directory.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	return visitor
}

// A token is no person: it does not log in to anything.
func TestTokenIsNoLogin(t *testing.T) {
	h := newHub(t)
	if _, err := h.directory.CreateToken(t.Context(), "token-of-ada", identity.NewToken{Owner: identity.UserOwner("ada"), Scopes: []string{"inherit"}}); err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server().AuthCodeURL("s"), nil)
	request.Header.Set("Authorization", "token token-of-ada")
	if got := do(t, anonymous(), request); got.told(serverCallback) != nil || !strings.HasPrefix(got.Header.Get("Location"), "/hub/login?") {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
}

// The session id that single-user servers read is set when it is missing, and
// the headers keep the answer out of caches.
func TestHeaders(t *testing.T) {
	h := newHub(t)
	ada, session := h.login(t, "ada")
	address, _ := url.Parse(h.URL)
	gone := &http.Cookie{Name: browser.BrowserSessionCookie, Path: "/", MaxAge: -1}
	ada.Jar.SetCookies(address, []*http.Cookie{gone})
	got := get(t, ada, h.server().AuthCodeURL("s"))
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "strict-origin" {
		t.Errorf("headers: %v", got.Header)
	}
	found := slices.ContainsFunc(got.Cookies(), func(c *http.Cookie) bool {
		return c.Name == browser.BrowserSessionCookie && c.Value == session.BrowserSession && c.Path == "/" && c.HttpOnly
	})
	if !found {
		t.Errorf("cookies: %v", got.Cookies())
	}
	token := h.exchange(t, got.told(serverCallback).Get("code"))
	if token.StatusCode != http.StatusOK || token.Header.Get("Cache-Control") != "no-store" || token.Header.Get("Pragma") != "no-cache" ||
		token.Header.Get("Content-Type") != "application/json" || strings.Contains(token.body, "refresh_token") {
		t.Errorf("%d %v %s", token.StatusCode, token.Header, token.body)
	}
}

func TestMethods(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	for path, methods := range map[string][]string{"authorize": {"PUT", "DELETE", "HEAD", "PATCH"}, "token": {"GET", "PUT", "HEAD", "DELETE"}} {
		for _, method := range methods {
			request, _ := http.NewRequestWithContext(t.Context(), method, h.server().AuthCodeURL("s"), nil)
			request.URL.Path = "/hub/api/oauth2/" + path
			got := do(t, ada, request)
			if got.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(got.Header.Get("Allow"), "POST") {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	}
}

func TestServes(t *testing.T) {
	provider := oauth.New(oauth.Options{Base: "/jupyter/"})
	for path, want := range map[string]bool{
		"/jupyter/hub/api/oauth2/authorize": true, "/jupyter/hub/api/oauth2/token": true, "/jupyter/hub/api/oauth2/token?a=b": true,
		"/hub/api/oauth2/token": false, "/jupyter/hub/api/oauth2/token/": false, "/jupyter/hub/api/oauth2%2Ftoken": false,
		"/jupyter/hub/api/oauth2": false, "/jupyter/hub/api//oauth2/token": false, "/jupyter/hub/api/oauth2/Token": false,
	} {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		if got := provider.Serves(r); got != want {
			t.Errorf("%s: %v", path, got)
		}
		recorder := httptest.NewRecorder()
		if !want {
			if provider.ServeHTTP(recorder, r); recorder.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, recorder.Code)
			}
		}
	}
}

// Codes and secrets survive the rotation of keys.
func TestKeyRotation(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	if err := h.keys.Replace(append(h.keys.Keys(), keyring.NewKey(h.clock.Now()))); err != nil {
		t.Fatal(err)
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusBadRequest {
		t.Errorf("again: %d %s", got.StatusCode, got.body)
	}
}
