package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
)

// provider logs in at another site, with a state of its own for every login, and
// believes every announcement of the form SUBJECT:ID.
type provider struct {
	name   string
	states int
	fails  error
}

func (p *provider) Redirect(_ context.Context, _ *http.Request, callback string) (string, []byte, error) {
	p.states++
	state := fmt.Sprint(p.name, p.states)
	return "https://" + p.name + ".example/?" + url.Values{"state": {state}, "redirect_uri": {callback}}.Encode(), []byte(state), nil
}

func (p *provider) Authenticate(_ context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	query := attempt.Request.URL.Query()
	if query.Get("state") != string(attempt.Flow) || p.fails != nil {
		return nil, errors.Join(authenticator.ErrDenied, p.fails)
	}
	return &authenticator.Identity{
		Name: query.Get("code"), External: authenticator.ExternalLogin{Subject: query.Get("code") + "@" + p.name},
	}, nil
}

func (p *provider) OpenByDefault() bool { return true }

func (p *provider) ReceiveLogout(_ context.Context, token string) (ended authenticator.ExternalLogout, err error) {
	if p.fails != nil {
		return ended, p.fails
	}
	subject, id, ok := strings.Cut(token, ":")
	if !ok {
		return ended, authenticator.ErrDenied
	}
	ended.Subject, ended.ID, ended.Expires = subject, id, time.Now().Add(time.Hour)
	return ended, nil
}

func twoProviders(t *testing.T) (s *site, first, second *provider) {
	t.Helper()
	first, second = &provider{name: "first"}, &provider{name: "second"}
	return newSite(t, func(s *setup) {
		s.authenticators = []authenticator.Named{
			{Name: "dummy", Authenticator: dummy.New("secret")},
			{Name: "first", Authenticator: first}, {Name: "second", Authenticator: second},
		}
	}), first, second
}

// begin follows the button of a provider, and returns the address there.
func (p *person) begin(t *testing.T, path string) *url.URL {
	t.Helper()
	got := p.get(path)
	location, err := url.Parse(got.to())
	if err != nil || got.StatusCode != http.StatusFound {
		t.Fatalf("%s: %d %v", path, got.StatusCode, err)
	}
	return location
}

// Each provider has its own place to come back to; what comes to another's is not
// taken for its answer (mix-up, RFC 9700 section 4.4).
func TestCallbackOfEachProvider(t *testing.T) {
	s, _, _ := twoProviders(t)
	p := s.person()
	for path, want := range map[string]string{
		"/hub/login?authenticator=first":  "http://example.com/hub/oauth_callback",
		"/hub/login?authenticator=second": "http://example.com/hub/oauth_callback/second",
		"/hub/oauth_login":                "http://example.com/hub/oauth_callback",
	} {
		if got := p.begin(t, path).Query().Get("redirect_uri"); got != want {
			t.Errorf("%s comes back to %q, want %q", path, got, want)
		}
	}
	state := p.begin(t, "/hub/login?authenticator=second").Query().Get("state")
	p.get("/hub/oauth_callback?code=ada&state="+state).want(t, "at the place of the first", http.StatusBadRequest, "no login under way")
	state = p.begin(t, "/hub/login?authenticator=first").Query().Get("state")
	p.get("/hub/oauth_callback/second?code=ada&state="+state).want(t, "at the place of the second", http.StatusBadRequest, "no login under way")
	state = p.begin(t, "/hub/login?authenticator=second&next=/hub/home").Query().Get("state")
	p.get("/hub/oauth_callback/second?code=ada&state="+state).want(t, "at its own", http.StatusFound, "/hub/home")

	newSite(t).person().get("/hub/oauth_login").want(t, "no provider", http.StatusNotFound, "no such way")
}

// Tabs that are all sent to log in at once all arrive, in whatever order.
func TestTabsAtOnce(t *testing.T) {
	s, _, _ := twoProviders(t)
	p := s.person()
	var states []string
	for i := range 5 {
		states = append(states, p.begin(t, fmt.Sprintf("/hub/oauth_login?next=/hub/token%%3Ftab=%d", i)).Query().Get("state"))
	}
	for _, i := range []int{3, 0, 4, 1, 2} {
		p.get("/hub/oauth_callback?code=ada&state="+states[i]).want(t, states[i], http.StatusFound, fmt.Sprintf("/hub/token?tab=%d", i))
		p.get("/hub/oauth_callback?code=ada&state="+states[i]).want(t, "again", http.StatusBadRequest, "no login under way")
	}
}

// Who is refused after a login elsewhere does not read about passwords.
func TestRefusedElsewhere(t *testing.T) {
	s, first, _ := twoProviders(t)
	p := s.person()
	state := p.begin(t, "/hub/oauth_login").Query().Get("state")
	first.fails = errors.New("signature")
	got := p.get("/hub/oauth_callback?code=ada&state=" + state)
	got.want(t, "refused", http.StatusForbidden, "does not let your account in")
	if strings.Contains(got.body, "password") || p.session() != "" {
		t.Errorf("%s", got.body)
	}
}

// A logout that a provider announces ends the sessions that it vouched for.
func TestAnnouncedLogout(t *testing.T) {
	s, first, _ := twoProviders(t)
	login := func(provider, callback string) *person {
		p := s.person()
		state := p.begin(t, "/hub/login?authenticator="+provider).Query().Get("state")
		p.get(callback+"?code=ada&state="+state).want(t, "login", http.StatusFound, "/hub/spawn")
		return p
	}
	mine, other := login("first", "/hub/oauth_callback"), login("second", "/hub/oauth_callback/second")
	announce := func(path string, tokens ...string) answer {
		t.Helper()
		return s.person().post(path, url.Values{"logout_token": tokens})
	}
	const path = "/hub/login/first/backchannel_logout"
	announce(path).want(t, "no token", http.StatusBadRequest, "one logout_token")
	announce(path, "ada@first:1", "x").want(t, "two tokens", http.StatusBadRequest, "one logout_token")
	announce(path, "garbage").want(t, "not believed", http.StatusBadRequest, "not valid")
	announce("/hub/login/dummy/backchannel_logout", "x").want(t, "no provider", http.StatusNotFound, "")
	announce("/hub/login/nobody/backchannel_logout", "x").want(t, "unknown", http.StatusNotFound, "")
	announce("/hub/login/second/backchannel_logout", "ada@first:1").want(t, "of another", http.StatusOK, "")
	first.fails = authenticator.ErrUnavailable
	announce(path, "ada@first:1").want(t, "nobody knows", http.StatusServiceUnavailable, "")
	first.fails = nil
	mine.get("/hub/home").want(t, "still in", http.StatusOK, "")

	announce(path, "ada@first:1").want(t, "believed", http.StatusOK, "")
	mine.get("/hub/home").want(t, "out", http.StatusFound, "/hub/login?next=%2Fhub%2Fhome")
	other.get("/hub/home").want(t, "by the other provider", http.StatusOK, "")
	announce(path, "ada@first:1").want(t, "replayed", http.StatusBadRequest, "not valid")
	s.person().get(path).want(t, "by GET", http.StatusMethodNotAllowed, "")
}
