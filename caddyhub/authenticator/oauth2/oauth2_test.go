package oauth2

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

func TestContract(t *testing.T) {
	f, gone := newFake(t, gitHubAnswers()), newFake(t, nil)
	gone.Close()
	authenticatortest.Run(t, authenticatortest.Subject{
		New:      func(t *testing.T) authenticator.Authenticator { return f.authenticator(t, GitHub) },
		Good:     f.attempt(),
		Identity: authenticator.Identity{Name: "Ada"},
		Broken:   func(t *testing.T) authenticator.Authenticator { return gone.authenticator(t, GitHub) },
	})
}

func teams(o *Options) { o.Teams = true }

func of(organizations ...string) func(*Options) {
	return func(o *Options) { o.Organizations = organizations }
}

func domain(o *Options) { o.Claims.Domains = []string{"example.org"} }

func TestSites(t *testing.T) {
	for name, test := range map[string]struct {
		provider string
		answers  map[string]string
		options  func(*Options)
		change   map[string]string
		name     string // empty: refused
		groups   []string
	}{
		"github":                        {GitHub, gitHubAnswers(), nil, nil, "Ada", nil},
		"github, teams":                 {GitHub, gitHubAnswers(), teams, nil, "Ada", []string{"engines", "poets", "engines:makers"}},
		"github, member":                {GitHub, gitHubAnswers(), of("others", "engines"), nil, "Ada", nil},
		"github, of a team":             {GitHub, gitHubAnswers(), of("engines:makers"), nil, "Ada", nil},
		"github, not a member":          {GitHub, gitHubAnswers(), of("others", "unknown"), nil, "", nil},
		"github, invited to a team":     {GitHub, gitHubAnswers(), of("engines:pending", "engines:unknown"), nil, "", nil},
		"github, domain":                {GitHub, gitHubAnswers(), domain, nil, "Ada", nil},
		"github, not verified":          {GitHub, gitHubAnswers(), domain, map[string]string{"/api/v3/user/emails?per_page=100": `[{"email":"ada@example.org","primary":true,"verified":false}]`}, "", nil},
		"github, no primary address":    {GitHub, gitHubAnswers(), domain, map[string]string{"/api/v3/user/emails?per_page=100": `[{"email":"ada@example.org","primary":false,"verified":true}]`}, "", nil},
		"github, address as name":       {GitHub, gitHubAnswers(), func(o *Options) { o.Claims.Username = "email" }, nil, "ada@example.org", nil},
		"github, id as name":            {GitHub, gitHubAnswers(), func(o *Options) { o.Claims.Username = "id" }, nil, "1815", nil},
		"gitlab":                        {GitLab, gitLabAnswers(), nil, nil, "ada", nil},
		"gitlab, teams":                 {GitLab, gitLabAnswers(), teams, nil, "ada", []string{"engines", "engines/makers"}},
		"gitlab, member":                {GitLab, gitLabAnswers(), of("engines/makers"), nil, "ada", nil},
		"gitlab, not a member":          {GitLab, gitLabAnswers(), of("engines"), nil, "", nil},
		"gitlab, not yet a member":      {GitLab, gitLabAnswers(), of("engines/new"), nil, "", nil},
		"gitlab, blocked":               {GitLab, gitLabAnswers(), nil, map[string]string{"/api/v4/user": `{"id":1,"username":"ada","state":"blocked"}`}, "", nil},
		"gitlab, domain":                {GitLab, gitLabAnswers(), domain, nil, "ada", nil},
		"gitlab, not confirmed":         {GitLab, gitLabAnswers(), domain, map[string]string{"/api/v4/user": `{"id":1,"username":"ada","state":"active","email":"ada@example.org","confirmed_at":null,"email_verified":true}`}, "", nil},
		"bitbucket":                     {Bitbucket, bitbucketAnswers(), nil, nil, "ada", nil},
		"bitbucket, teams on two pages": {Bitbucket, bitbucketAnswers(), teams, nil, "ada", []string{"engines", "poets"}},
		"bitbucket, member on page two": {Bitbucket, bitbucketAnswers(), of("poets"), nil, "ada", nil},
		"bitbucket, not a member":       {Bitbucket, bitbucketAnswers(), of("others"), nil, "", nil},
		"bitbucket, domain":             {Bitbucket, bitbucketAnswers(), domain, nil, "ada", nil},
		"bitbucket, not confirmed":      {Bitbucket, bitbucketAnswers(), domain, map[string]string{"/2.0/user/emails?pagelen=100": `{"values":[{"email":"ada@example.org","is_primary":true,"is_confirmed":false}]}`}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			maps.Copy(test.answers, test.change)
			f := newFake(t, test.answers)
			options := test.options
			if options == nil {
				options = func(*Options) {}
			}
			identity, err := f.authenticator(t, test.provider, options).Authenticate(t.Context(), f.attempt())
			if test.name == "" {
				if status, _, _ := authenticator.Describe(err); identity != nil || !errors.Is(err, authenticator.ErrDenied) || status != 403 {
					t.Errorf("identity %v, error %v", identity, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.groups, identity.Groups); identity.Name != test.name || diff != "" {
				t.Errorf("name %q, groups (-want +got)\n%s", identity.Name, diff)
			}
		})
	}
}

// Pages are read to their end; what leads away or never ends is trouble, and nobody
// is let in with half of a list.
func TestPages(t *testing.T) {
	const first, second = "/api/v3/user/orgs?per_page=100", "/api/v3/user/orgs?per_page=100&page=2"
	for name, test := range map[string]struct {
		link   string
		second string
		groups int // zero: trouble
	}{
		"two pages":      {`<{HOST}` + second + `>; rel="next", <{HOST}/x>; rel="last"`, `[{"login":"third"}]`, 4},
		"the last page":  {`<{HOST}/x>; rel="prev"`, "", 3},
		"another host":   {`<https://evil.example/orgs>; rel="next"`, "", 0},
		"other scheme":   {`<ftp://evil.example/orgs>; rel=next`, "", 0},
		"no address":     {`<:>; rel="next"`, "", 0},
		"for ever":       {`<{HOST}` + first + `>; rel="next"`, "", 0},
		"second missing": {`<{HOST}` + second + `>; rel="next"`, "", 0},
		"second broken":  {`<{HOST}` + second + `>; rel="next"`, `{"message":"x"}`, 0},
	} {
		f := newFake(t, gitHubAnswers())
		f.link[first] = test.link
		if test.second != "" {
			f.answers[second] = test.second
		}
		identity, err := f.authenticator(t, GitHub, teams).Authenticate(t.Context(), f.attempt())
		if test.groups == 0 {
			if !errors.Is(err, authenticator.ErrUnavailable) {
				t.Errorf("%s: identity %v, error %v", name, identity, err)
			}
		} else if err != nil || len(identity.Groups) != test.groups {
			t.Errorf("%s: %+v, %v", name, identity, err)
		}
	}
}

// Trouble of an API is no refusal, and lets nobody in.
func TestTrouble(t *testing.T) {
	for path, options := range map[string]func(*Options){
		"/api/v3/user": of(), "/api/v3/user/emails?per_page=100": domain, "/api/v3/user/orgs?per_page=100": teams,
		"/api/v3/user/teams?per_page=100": teams, "/api/v3/orgs/engines/members/Ada": of("engines"),
		"/api/v3/orgs/engines/teams/makers/memberships/Ada": of("engines:makers"),
	} {
		for _, answer := range []string{`500 SECRET`, `403 {"message":"rate limit"}`, `429 {}`, `301 `} {
			f := newFake(t, gitHubAnswers())
			f.answers[path] = answer
			identity, err := f.authenticator(t, GitHub, options).Authenticate(t.Context(), f.attempt())
			if !errors.Is(err, authenticator.ErrUnavailable) || identity != nil || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s with %s: identity %v, error %v", path, answer, identity, err)
			}
		}
	}
	for _, answer := range []string{`[]`, `SECRET`, `{"login":"Ada"}`} {
		f := newFake(t, gitHubAnswers())
		f.answers["/api/v3/user"] = answer
		if _, err := f.authenticator(t, GitHub).Authenticate(t.Context(), f.attempt()); !errors.Is(err, authenticator.ErrUnavailable) {
			t.Errorf("user %s: %v", answer, err)
		}
	}
}

// A site of which only the addresses are known.
func TestOtherSite(t *testing.T) {
	f := newFake(t, map[string]string{"/me": `{"profile":{"login":"ada"},"teams":["a","b"]}`})
	a := f.authenticator(t, "", func(o *Options) {
		o.BaseURL, o.AuthorizeURL, o.TokenURL, o.UserURL = "", f.URL+"/auth", f.URL+"/token", f.URL+"/me"
		o.Claims.Username, o.Claims.Groups = "profile.login", "teams"
	})
	identity, err := a.Authenticate(t.Context(), f.attempt())
	if err != nil || identity.Name != "ada" || cmp.Diff([]string{"a", "b"}, identity.Groups) != "" {
		t.Errorf("%+v, %v", identity, err)
	}
	location, _, err := a.Redirect(t.Context(), nil, callback)
	if err != nil || !strings.HasPrefix(location, f.URL+"/auth?") || !strings.Contains(location, "code_challenge=") {
		t.Errorf("%s, %v", location, err)
	}
	answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil)
	if err != nil || answer.Outcome != authenticator.Changed {
		t.Errorf("refresh: %v, %v", answer.Outcome, err)
	}
	f.change(func() { f.answers["/me"] = `{"profile":{"login":"eve"}}` })
	if answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil); err != nil || answer.Outcome != authenticator.LoginAgain {
		t.Errorf("somebody else: %v, %v", answer.Outcome, err)
	}
}

// The addresses and scopes of the public sites.
func TestPublicSites(t *testing.T) {
	for provider, want := range map[string][]string{
		GitHub:    {"https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token", "https://api.github.com/user", "user:email read:org"},
		GitLab:    {"https://gitlab.com/oauth/authorize", "https://gitlab.com/oauth/token", "https://gitlab.com/api/v4/user", "read_api"},
		Bitbucket: {"https://bitbucket.org/site/oauth2/authorize", "https://bitbucket.org/site/oauth2/access_token", "https://api.bitbucket.org/2.0/user", ""},
	} {
		a, err := New(Options{Provider: provider, ClientID: "hub", ClientSecret: "s", Teams: true, Claims: domainsOnly()})
		if err != nil {
			t.Fatal(err)
		}
		o := a.options
		if diff := cmp.Diff(want, []string{o.AuthorizeURL, o.TokenURL, o.UserURL, strings.Join(o.Scopes, " ")}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", provider, diff)
		}
		location, _, _ := a.Redirect(t.Context(), nil, callback)
		sent, _ := url.Parse(location)
		if sent.Query().Get("code_challenge_method") != "S256" || sent.Query().Get("redirect_uri") != callback {
			t.Errorf("%s: %s", provider, location)
		}
	}
}

func TestMistakes(t *testing.T) {
	for want, change := range map[string]func(*Options){
		`no provider "gitub"`:        func(o *Options) { o.Provider = "gitub" },
		`authorize_url "" is no URL`: func(o *Options) { o.Provider = "" },
		"need a provider":            func(o *Options) { o.Provider, o.Teams = "", true },
		"client_secret is empty":     func(o *Options) { o.ClientSecret = "" },
		"client_id or":               func(o *Options) { o.ClientID = "" },
		"token_auth is neither":      func(o *Options) { o.TokenAuth = "x" },
		"is set by the hub":          func(o *Options) { o.Parameters = map[string]string{"state": "x"} },
		`"a:b:c" cannot`:             of("a:b:c"),
		`"../x" cannot`:              of("../x"),
		`"" cannot`:                  of(""),
		"exclude each other":         func(o *Options) { o.Teams, o.Claims.Groups = true, "x" },
		"admin_groups needs":         func(o *Options) { o.Claims.AdminGroups = []string{"x"} },
		`userdata_url "x" is no`:     func(o *Options) { o.UserURL = "x" },
	} {
		o := Options{Provider: GitHub, ClientID: "hub", ClientSecret: "s"}
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	everybody := authenticator.Rules{AllowAll: true}
	for name, test := range map[string]struct {
		options Options
		rules   authenticator.Rules
		want    string
	}{
		"everybody":         {Options{Provider: GitHub}, everybody, "Everybody with an account at GitHub"},
		"some":              {Options{Provider: GitHub}, authenticator.Rules{Allow: []string{"ada"}}, ""},
		"members":           {Options{Provider: GitHub, Organizations: []string{"x"}}, everybody, ""},
		"site of one's own": {Options{Provider: GitLab, BaseURL: "https://git.example.org"}, everybody, ""},
		"unencrypted":       {Options{Provider: GitLab, BaseURL: "http://git.example.org"}, everybody, "without encryption"},
	} {
		test.options.ClientID, test.options.ClientSecret = "hub", "s"
		a, err := New(test.options)
		if err != nil {
			t.Fatal(err)
		}
		warnings := strings.Join(a.Warnings(test.rules), " ")
		if (warnings == "") != (test.want == "") || !strings.Contains(warnings, test.want) {
			t.Errorf("%s: %q", name, warnings)
		}
	}
	a, _ := New(Options{Provider: GitHub, ClientID: "hub", ClientSecret: "s", AutoLogin: true, LogoutRedirectURL: "https://x.example"})
	if location, err := a.LogoutURL(t.Context(), nil); !a.AutoLogin() || a.Prompt().Service != "GitHub" || location != "https://x.example" || err != nil {
		t.Errorf("%q %q %v", a.Prompt().Service, location, err)
	}
}

// A refresh asks who it is and what he belongs to, and keeps new tokens.
func TestRefresh(t *testing.T) {
	both := func(o *Options) {
		o.Teams, o.Organizations, o.Claims.AdminGroups = true, []string{"engines"}, []string{"engines:makers"}
	}
	for name, test := range map[string]struct {
		change  func(*fake, *clock)
		outcome authenticator.Outcome
		access  string
		groups  int // -1: not told
		fails   error
	}{
		"the same":      {func(*fake, *clock) {}, authenticator.Changed, "at-1", 3, nil},
		"no team now":   {func(f *fake, _ *clock) { f.answers["/api/v3/user/teams?per_page=100"] = `[]` }, authenticator.Changed, "at-1", 2, nil},
		"no member now": {func(f *fake, _ *clock) { f.answers["/api/v3/orgs/engines/members/Ada"] = `404 {}` }, authenticator.LoginAgain, "", 0, nil},
		"renamed": {func(f *fake, _ *clock) {
			f.answers["/api/v3/user"] = `{"login":"Eve","id":1815}`
			f.answers["/api/v3/orgs/engines/members/Eve"] = `204 `
		}, authenticator.LoginAgain, "", 0, nil},
		"another account": {func(f *fake, _ *clock) { f.answers["/api/v3/user"] = `{"login":"Ada","id":1}` }, authenticator.LoginAgain, "", 0, nil},
		"trouble":         {func(f *fake, _ *clock) { f.answers["/api/v3/user"] = `502 ` }, 0, "", 0, authenticator.ErrUnavailable},
		"rate limit":      {func(f *fake, _ *clock) { f.answers["/api/v3/user"] = `403 {}` }, 0, "", 0, authenticator.ErrUnavailable},
		"token is over":   {func(_ *fake, c *clock) { c.advance(2 * time.Hour) }, authenticator.Changed, "at-1+", 3, nil},
		"token revoked":   {func(f *fake, _ *clock) { f.access = "at-2" }, authenticator.Changed, "at-2+", 3, nil},
		"all revoked":     {func(f *fake, _ *clock) { f.access, f.refresh = "at-2", "rt-2" }, authenticator.LoginAgain, "", 0, nil},
		"renewed, then trouble": {func(f *fake, c *clock) { f.answers["/api/v3/user"] = `502 `; c.advance(2 * time.Hour) },
			authenticator.Changed, "at-1+", -1, nil},
		"renewed, no member now": {func(f *fake, c *clock) {
			f.answers["/api/v3/orgs/engines/members/Ada"] = `404 {}`
			c.advance(2 * time.Hour)
		},
			authenticator.LoginAgain, "", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, c := newFake(t, gitHubAnswers()), new(clock)
			f.expires = 3600
			a := f.authenticator(t, GitHub, both, func(o *Options) { o.Now = c.now })
			identity, err := a.Authenticate(t.Context(), f.attempt())
			if err != nil {
				t.Fatal(err)
			}
			f.change(func() { test.change(f, c) })
			answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil)
			if answer.Outcome != test.outcome || !errors.Is(err, test.fails) || (err != nil) != (test.fails != nil) {
				t.Fatalf("outcome %v, error %v", answer.Outcome, err)
			}
			if answer.Outcome != authenticator.Changed {
				return
			}
			var after state
			if err := json.Unmarshal(answer.Identity.AuthState, &after); err != nil || after.AccessToken != test.access || after.RefreshToken == "" {
				t.Errorf("kept %+v, %v", after, err)
			}
			if told := answer.Identity.Groups; (told == nil) != (test.groups < 0) || told != nil && len(told) != test.groups {
				t.Errorf("groups %q", told)
			}
		})
	}
}

// Tokens that do not expire, as GitHub's, end when the site says so.
func TestRefreshWithoutRefreshToken(t *testing.T) {
	f := newFake(t, gitHubAnswers())
	f.refresh = ""
	a := f.authenticator(t, GitHub)
	identity, err := a.Authenticate(t.Context(), f.attempt())
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil); err != nil || answer.Outcome != authenticator.Changed {
		t.Errorf("%v, %v", answer.Outcome, err)
	}
	f.change(func() { f.access = "other" })
	if answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil); err != nil || answer.Outcome != authenticator.LoginAgain {
		t.Errorf("revoked: %v, %v", answer.Outcome, err)
	}
	for _, foreign := range []string{``, `{}`, `"x"`, `{"token_url":"https://other.example","client_id":"hub","access_token":"at-1"}`} {
		if answer, err := a.Refresh(t.Context(), "ada", json.RawMessage(foreign), nil); err != nil || answer.Outcome != authenticator.LoginAgain {
			t.Errorf("%q: %v, %v", foreign, answer.Outcome, err)
		}
	}
}

// FuzzValues: a page is a list with an address, or refused.
func FuzzValues(f *testing.F) {
	f.Add(`{"values":[{"a":1}],"next":"https://x"}`)
	f.Add(`{"values":[null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, next, err := values(codeflow.Answer{Body: []byte(text)})
		if err != nil && (len(next) > 0 || entries != nil && strings.TrimSpace(text) == "") {
			t.Errorf("%q: %v %q %v", text, entries, next, err)
		}
		for _, entry := range entries {
			if entry == nil {
				t.Errorf("%q has an entry that is none", text)
			}
		}
		if list, err := objects([]byte(text)); err == nil {
			for _, entry := range list {
				if entry == nil {
					t.Errorf("%q has an entry that is none", text)
				}
			}
		}
	})
}
