package oauth

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is accepted as an authorization request reads the same to everybody: each
// parameter stands in it at most once, as Go's own parser sees it, too.
func FuzzAuthorizeRequest(f *testing.F) {
	for _, query := range []string{
		"", "client_id=a&redirect_uri=/cb&response_type=code&state=s", "client_id=a&client_id=b", "client_id=a;client_id=b",
		"client%5fid=a&client_id=b", "state=%ff", "state=%0d%0aX:y", "scope=a+b%20c", "=&&=&", "code_challenge=x&code_challenge_method=S256",
		"client_id=%", strings.Repeat("a=b&", 2000),
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		request, err := parseAuthorizeRequest(query)
		if err != nil {
			if refused, ok := err.(*refusal); !ok || refused.status < 400 || refused.status > 499 {
				t.Fatalf("%q: %v is no refusal on a page", query, err)
			}
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatalf("%q was accepted", query)
		}
		for name, got := range map[string]string{
			"client_id": request.clientID, "redirect_uri": request.redirectURI, "response_type": request.responseType, "state": request.state,
			"scope": strings.Join(request.scopes, " "), "code_challenge": request.challenge, "code_challenge_method": request.challengeMethod,
		} {
			if len(values[name]) > 1 || !utf8.ValidString(got) || name != "scope" && got != values.Get(name) {
				t.Errorf("%q: %s is %q", query, name, got)
			}
		}
	})
}

// Whatever the state, the answer leads to the registered address and tells it
// exactly what it is to be told.
func FuzzRedirect(f *testing.F) {
	f.Add("state", "/user/ada/oauth_callback")
	f.Add("a&code=b#c", "https://a.example/cb?x=1")
	f.Add("\r\nX: y", "app:cb")
	f.Fuzz(func(t *testing.T, state, uri string) {
		if validateRedirect(uri) != nil || !utf8.ValidString(state) {
			return
		}
		recorder := httptest.NewRecorder()
		redirect(recorder, uri, url.Values{"code": {"the code"}, "state": {state}})
		location := recorder.Header().Get("Location")
		rest, found := strings.CutPrefix(location, uri)
		if !found || strings.ContainsAny(location, " \r\n\"<>\\#") {
			t.Fatalf("%q leads to %q", uri, location)
		}
		told, err := url.ParseQuery(rest[1:])
		if err != nil || told.Get("code") != "the code" || told.Get("state") != state || len(told["code"]) != 1 {
			t.Errorf("%q tells %v", location, told)
		}
		parsed, err := url.Parse(location)
		registered, failed := url.Parse(uri)
		if err != nil || failed != nil || parsed.Scheme != registered.Scheme || parsed.Host != registered.Host || parsed.Path != registered.Path || parsed.Opaque != registered.Opaque {
			t.Errorf("%q leads elsewhere than %q", location, uri)
		}
	})
}

// No verifier passes for a challenge but the one that it was made from, and none
// panics.
func FuzzVerifier(f *testing.F) {
	f.Add("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
	f.Add("", "")
	f.Add(strings.Repeat("~", 128), "x")
	f.Fuzz(func(t *testing.T, verifier, challenge string) {
		valid := validVerifier(verifier)
		if valid && (len(verifier) < 43 || len(verifier) > 128 || url.PathEscape(verifier) != verifier) {
			t.Errorf("%q is valid", verifier)
		}
		if checkVerifier(challenge, verifier) == nil && challenge != "" && checkChallenge(challenge, "S256") != nil {
			t.Errorf("%q passes for %q, which no request could have sent", verifier, challenge)
		}
	})
}
