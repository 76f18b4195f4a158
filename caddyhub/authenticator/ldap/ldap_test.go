package ldap_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/ldap"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/ldap/slapdtest"
)

const template = "uid={username}," + slapdtest.People

func directory(t testing.TB) *slapdtest.Server {
	t.Helper()
	return slapdtest.Start(t, slapdtest.Options{LDIF: slapdtest.Directory})
}

func authorities(t testing.TB, s *slapdtest.Server) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(s.Authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// byTemplate and bySearch are the two ways to find a user.
func byTemplate(t testing.TB, s *slapdtest.Server) ldap.Options {
	return ldap.Options{Servers: []string{s.SecureURL}, Authorities: authorities(t, s), BindDNTemplates: []string{template}}
}

func bySearch(t testing.TB, s *slapdtest.Server) ldap.Options {
	return ldap.Options{
		Servers: []string{s.URL}, Authorities: authorities(t, s), SearchBase: slapdtest.People,
		SearchUser: slapdtest.Search, SearchPassword: slapdtest.SearchPassword,
	}
}

func must(t testing.TB, o ldap.Options) *ldap.Authenticator {
	t.Helper()
	a, err := ldap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func attempt(user, password string) authenticator.Attempt {
	return authenticator.Attempt{Form: map[string]string{"username": user, "password": password}}
}

// name is the name that a login with the right password brings, empty for none.
func name(t *testing.T, a *ldap.Authenticator, user string) string {
	t.Helper()
	identity, err := a.Authenticate(t.Context(), attempt(user, slapdtest.Password))
	if err != nil {
		if !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%q: %v", user, err)
		}
		return ""
	}
	return identity.Name
}

func TestContract(t *testing.T) {
	s := directory(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for kind, options := range map[string]ldap.Options{"by template": byTemplate(t, s), "by search": bySearch(t, s)} {
		t.Run(kind, func(t *testing.T) {
			authenticatortest.Run(t, authenticatortest.Subject{
				New:      func(t *testing.T) authenticator.Authenticator { return must(t, options) },
				Good:     attempt("ada", slapdtest.Password),
				Identity: authenticator.Identity{Name: "ada"},
				Broken: func(t *testing.T) authenticator.Authenticator {
					options := options
					options.Servers = []string{"ldaps://" + closed.Addr().String()}
					return must(t, options)
				},
			})
		})
	}
}

// Each name opens its own account, and no spelling that the directory takes for
// the same makes a second user. What looks like a DN or a filter is only a name.
func TestNames(t *testing.T) {
	s := directory(t)
	for kind, a := range map[string]*ldap.Authenticator{"by template": must(t, byTemplate(t, s)), "by search": must(t, bySearch(t, s))} {
		t.Run(kind, func(t *testing.T) {
			for typed, want := range map[string]string{
				"ada": "ada", "ADA": "ada", "grace": "Grace", "mary ann": "mary ann", "o'neil, jr": "o'neil, jr",
				"straße": "straße", "*": "*",
				// The same to the directory, but not the same name.
				"mary  ann": "", "strasse": "", "STRASSE": "", "ａｄａ": "", "ada ": "", " ada": "", "a\u00adda": "",
				// Attempts to leave the place where the name stands.
				"ada,ou=people": "", "ada+cn=Ada Lovelace": "", `ada\2c`: "", `\61da`: "", "#616461": "", `"ada"`: "",
				"ada)(uid=*": "", "a*": "", "*)(objectClass=*": "", "ada)(|(uid=ada": "", `ad\61`: "",
				"ada," + slapdtest.People: "", "cn=search": "", "{username}": "", "{userdn}": "",
				"nopassword": "", "nobody": "",
			} {
				if got := name(t, a, typed); got != want {
					t.Errorf("%q is %q, want %q", typed, got, want)
				}
			}
		})
	}
}

// A bind without a password is an anonymous one: the server would say yes. And a
// name that ends the DN must not make it the DN of another.
func TestNoBindWithoutPassword(t *testing.T) {
	s := directory(t)
	for _, o := range []ldap.Options{byTemplate(t, s), bySearch(t, s)} {
		a := must(t, o)
		for _, password := range []string{"", "\x00", slapdtest.Password + "\x00"} {
			if _, err := a.Authenticate(t.Context(), attempt("ada", password)); !errors.Is(err, authenticator.ErrDenied) {
				t.Errorf("password %q: %v, want ErrDenied", password, err)
			}
		}
	}
	if log := s.Log(); strings.Contains(log, "BIND") {
		t.Errorf("the server was asked:\n%s", log)
	}
}

// The same exchanges, whether nobody has the name or the password is wrong.
func TestUnknownUsersCostTheSame(t *testing.T) {
	s := directory(t)
	for _, o := range []ldap.Options{byTemplate(t, s), bySearch(t, s)} {
		a := must(t, o)
		operations := func(user string) (list []string) {
			before := len(s.Log())
			if _, err := a.Authenticate(t.Context(), attempt(user, "wrong")); !errors.Is(err, authenticator.ErrDenied) {
				t.Fatalf("%s: %v", user, err)
			}
			s.WaitFor("closed", before)
			for line := range strings.Lines(s.Log()[before:]) {
				for _, operation := range []string{"STARTTLS", " BIND dn", " SRCH base"} {
					if strings.Contains(line, operation) {
						list = append(list, operation)
					}
				}
			}
			return list
		}
		known, unknown := operations("ada"), operations("nobody")
		if diff := cmp.Diff(known, unknown); diff != "" || len(known) == 0 {
			t.Errorf("operations for a known and an unknown name differ:\n%s", diff)
		}
	}
}

func TestSearch(t *testing.T) {
	s := directory(t)
	for about, test := range map[string]struct {
		change func(*ldap.Options)
		typed  string
		want   string
	}{
		"by address":                    {func(o *ldap.Options) { o.UserAttributes = []string{"mail"} }, "ada@example.org", "ada@example.org"},
		"by address, named by uid":      {func(o *ldap.Options) { o.UserAttributes, o.NameAttribute = []string{"mail"}, "uid" }, "Ada@example.org", "ada"},
		"by either":                     {func(o *ldap.Options) { o.UserAttributes, o.NameAttribute = []string{"uid", "mail"}, "uid" }, "ada", "ada"},
		"an address that two have":      {func(o *ldap.Options) { o.UserAttributes = []string{"mail"} }, "shared@example.org", ""},
		"filter that matches":           {func(o *ldap.Options) { o.UserFilter = "(sn=Lovelace)" }, "ada", "ada"},
		"filter that does not":          {func(o *ldap.Options) { o.UserFilter = "(sn=Hopper)" }, "ada", ""},
		"filter with the name":          {func(o *ldap.Options) { o.UserFilter = "(mail={username}@example.org)" }, "ada", "ada"},
		"another base":                  {func(o *ldap.Options) { o.SearchBase = slapdtest.Groups }, "ada", ""},
		"a base that is not there":      {func(o *ldap.Options) { o.SearchBase = "ou=nowhere," + slapdtest.Suffix }, "ada", ""},
		"an attribute that is missing":  {func(o *ldap.Options) { o.NameAttribute = "employeeNumber" }, "ada", ""},
		"template and filter":           {func(o *ldap.Options) { o.BindDNTemplates, o.UserFilter = []string{template}, "(sn=Lovelace)" }, "ada", "ada"},
		"template and another filter":   {func(o *ldap.Options) { o.BindDNTemplates, o.UserFilter = []string{template}, "(sn=x)" }, "ada", ""},
		"the second of two templates":   {func(o *ldap.Options) { o.BindDNTemplates = []string{"cn={username}," + slapdtest.Groups, template} }, "ada", "ada"},
		"name of a Windows domain":      {func(o *ldap.Options) { o.BindDNTemplates = []string{"{username}@example.org"} }, "ada", ""},
		"the certificate's other name":  {func(o *ldap.Options) { o.ServerName = "ldap.example.org" }, "ada", "ada"},
		"plain, because it is said":     {func(o *ldap.Options) { o.Insecure = true }, "ada", "ada"},
		"the first server is not there": {func(o *ldap.Options) { o.Servers = append([]string{"ldaps://127.0.0.1:1"}, o.Servers...) }, "ada", "ada"},
	} {
		o := bySearch(t, s)
		test.change(&o)
		if got := name(t, must(t, o), test.typed); got != test.want {
			t.Errorf("%s: %q is %q, want %q", about, test.typed, got, test.want)
		}
	}
}

// What is wrong with the servers is not the user's fault.
func TestTrouble(t *testing.T) {
	s := directory(t)
	silent := listen(t) // takes connections, says nothing
	for about, change := range map[string]func(*ldap.Options){
		"no certificate of ours":       func(o *ldap.Options) { o.Authorities = x509.NewCertPool() },
		"and none with ldaps":          func(o *ldap.Options) { o.Authorities, o.Servers = x509.NewCertPool(), []string{s.SecureURL} },
		"another name":                 func(o *ldap.Options) { o.ServerName = "elsewhere.example.org" },
		"TLS with a plain port":        func(o *ldap.Options) { o.Servers = []string{strings.Replace(s.URL, "ldap:", "ldaps:", 1)} },
		"wrong password of the search": func(o *ldap.Options) { o.SearchPassword = "wrong" },
		"silence": func(o *ldap.Options) {
			o.Servers, o.Timeout = []string{"ldap://" + silent.Addr().String()}, 50*time.Millisecond
		},
		"silence of TLS": func(o *ldap.Options) {
			o.Servers, o.Timeout = []string{"ldaps://" + silent.Addr().String()}, 50*time.Millisecond
		},
		// The server has no such suffix and names another server.
		"a referral": func(o *ldap.Options) { o.SearchBase = "dc=elsewhere" },
	} {
		o := bySearch(t, s)
		change(&o)
		before := len(s.Log())
		_, err := must(t, o).Authenticate(t.Context(), attempt("ada", slapdtest.Password))
		status, _, _ := authenticator.Describe(err)
		if !errors.Is(err, authenticator.ErrUnavailable) || status != 503 {
			t.Errorf("%s: %v, want ErrUnavailable", about, err)
		}
		if err != nil && (strings.Contains(err.Error(), slapdtest.Password) || strings.Contains(err.Error(), slapdtest.SearchPassword)) {
			t.Errorf("%s: the error tells a password: %v", about, err)
		}
		if strings.Contains(about, "certificate") && strings.Contains(s.Log()[before:], "BIND") {
			t.Errorf("%s: a password was sent", about)
		}
	}
	a := must(t, bySearch(t, s))
	s.Stop()
	if _, err := a.Authenticate(t.Context(), attempt("ada", slapdtest.Password)); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("server gone: %v, want ErrUnavailable", err)
	}
	s.Restart()
	if name(t, a, "ada") != "ada" {
		t.Error("server back: ada does not get in")
	}
}

// A server that sends people elsewhere is not obeyed: nobody said that the other
// one may see the password.
func TestReferralOfABind(t *testing.T) {
	here, elsewhere := listen(t), listen(t)
	visited := make(chan struct{}, 1)
	go func() {
		if conn, err := elsewhere.Accept(); err == nil {
			visited <- struct{}{}
			_ = conn.Close()
		}
	}()
	go func() {
		conn, err := here.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096)) // the bind
		location := "ldap://" + elsewhere.Addr().String()
		// BindResponse with resultCode referral (10) and one URI (RFC 4511, 4.2.2).
		referral := append([]byte{0x04, byte(len(location))}, location...)
		response := append([]byte{0x0a, 1, 10, 0x04, 0, 0x04, 0, 0xa3, byte(len(referral))}, referral...)
		message := append([]byte{0x02, 1, 1, 0x61, byte(len(response))}, response...)
		_, _ = conn.Write(append([]byte{0x30, byte(len(message))}, message...))
		_, _ = conn.Read(make([]byte, 4096)) // until the other side is done
	}()
	a := must(t, ldap.Options{Servers: []string{"ldap://" + here.Addr().String()}, Insecure: true, BindDNTemplates: []string{template}})
	_, err := a.Authenticate(t.Context(), attempt("ada", slapdtest.Password))
	if !errors.Is(err, authenticator.ErrUnavailable) || !strings.Contains(err.Error(), "Referral") {
		t.Errorf("error %v, want ErrUnavailable because of a referral", err)
	}
	select {
	case <-visited:
		t.Error("the other server was visited")
	default:
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestGroups(t *testing.T) {
	s := slapdtest.Start(t, slapdtest.Options{LDIF: slapdtest.Directory, Extra: "overlay memberof\n"})
	// The overlay keeps the attribute when groups are written, not when they are added to an empty database.
	s.Modify("cn=physics,"+slapdtest.Groups, "member", "uid=eve,"+slapdtest.People, "uid=ada,"+slapdtest.People)
	s.Modify("cn=physics,"+slapdtest.Groups, "member", "uid=ada,"+slapdtest.People)
	yes, no := new(true), new(false)
	physics := "CN=Physics, " + slapdtest.Groups
	for about, test := range map[string]struct {
		change func(*ldap.Options)
		user   string
		groups []string
		admin  *bool
		denied bool
	}{
		"nothing said":             {func(o *ldap.Options) {}, "ada", nil, nil, false},
		"searched":                 {func(o *ldap.Options) { o.GroupBase = slapdtest.Groups }, "ada", []string{"physics"}, nil, false},
		"by memberUid":             {func(o *ldap.Options) { o.GroupBase = slapdtest.Groups }, "eve", []string{"posix"}, nil, false},
		"in none":                  {func(o *ldap.Options) { o.GroupBase = slapdtest.Groups }, "mary ann", []string{}, nil, false},
		"nested, with a circle":    {func(o *ldap.Options) { o.GroupBase, o.Nested = slapdtest.Groups, true }, "ada", []string{"physics", "science", "university"}, nil, false},
		"memberOf":                 {func(o *ldap.Options) { o.MemberOf = "memberOf" }, "ada", []string{"physics"}, nil, false},
		"memberOf of nobody":       {func(o *ldap.Options) { o.MemberOf = "memberOf" }, "mary ann", []string{}, nil, false},
		"allowed by name":          {func(o *ldap.Options) { o.GroupBase, o.AllowedGroups = slapdtest.Groups, []string{"Physics"} }, "ada", []string{"physics"}, nil, false},
		"not allowed":              {func(o *ldap.Options) { o.GroupBase, o.AllowedGroups = slapdtest.Groups, []string{"physics"} }, "eve", nil, nil, true},
		"allowed by DN, no search": {func(o *ldap.Options) { o.AllowedGroups = []string{physics} }, "ada", nil, nil, false},
		"not allowed by DN":        {func(o *ldap.Options) { o.AllowedGroups = []string{physics} }, "grace", nil, nil, true},
		"allowed through a group": {func(o *ldap.Options) {
			o.GroupBase, o.Nested, o.AllowedGroups = slapdtest.Groups, true, []string{"university"}
		}, "ada", []string{"physics", "science", "university"}, nil, false},
		"admin":                   {func(o *ldap.Options) { o.AdminGroups = []string{"cn=admins," + slapdtest.Groups} }, "grace", nil, yes, false},
		"no admin":                {func(o *ldap.Options) { o.AdminGroups = []string{"cn=admins," + slapdtest.Groups} }, "ada", nil, no, false},
		"a group that is no more": {func(o *ldap.Options) { o.AllowedGroups = []string{"cn=gone," + slapdtest.Groups} }, "ada", nil, nil, true},
	} {
		for kind, o := range map[string]ldap.Options{"by template": byTemplate(t, s), "by search": bySearch(t, s)} {
			test.change(&o)
			identity, err := must(t, o).Authenticate(t.Context(), attempt(test.user, slapdtest.Password))
			if test.denied {
				if !errors.Is(err, authenticator.ErrNotAllowed) {
					t.Errorf("%s, %s: %v, %v, want ErrNotAllowed", about, kind, identity, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, %s: %v", about, kind, err)
				continue
			}
			if diff := cmp.Diff(test.groups, identity.Groups); diff != "" {
				t.Errorf("%s, %s: groups (-want +got):\n%s", about, kind, diff)
			}
			if diff := cmp.Diff(test.admin, identity.Admin); diff != "" {
				t.Errorf("%s, %s: admin (-want +got):\n%s", about, kind, diff)
			}
		}
	}
}

// Without a list of allow rules the groups of the directory are the rule.
func TestAllowedGroupsAreARule(t *testing.T) {
	s := directory(t)
	o := bySearch(t, s)
	o.AllowedGroups = []string{"cn=physics," + slapdtest.Groups}
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "ldap", Authenticator: must(t, o)}}, Rules: authenticator.Rules{Admins: []string{"eve"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if decision, err := login.Login(t.Context(), "ldap", attempt("ada", slapdtest.Password)); err != nil || decision.User != "ada" {
		t.Errorf("a member: %v, %v", decision, err)
	}
	if _, err := login.Login(t.Context(), "ldap", attempt("grace", slapdtest.Password)); !errors.Is(err, authenticator.ErrNotAllowed) {
		t.Errorf("somebody else: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	s := directory(t)
	o := bySearch(t, s)
	o.GroupBase, o.AdminGroups, o.StateAttributes = slapdtest.Groups, []string{"admins"}, []string{"mail", "cn"}
	o.UserFilter = "(sn=Lovelace)"
	a := must(t, o)
	identity, err := a.Authenticate(t.Context(), attempt("ada", slapdtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		DN         string
		Attributes map[string][]string
	}
	if err := json.Unmarshal(identity.AuthState, &kept); err != nil || kept.DN != "uid=ada,"+slapdtest.People ||
		kept.Attributes["mail"][0] != "ada@example.org" || strings.Contains(string(identity.AuthState), slapdtest.Password) {
		t.Errorf("auth state %s, %v", identity.AuthState, err)
	}
	ask := func() authenticator.Refreshed {
		t.Helper()
		answer, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if got := ask(); got.Outcome != authenticator.Fresh {
		t.Errorf("nothing changed: %v", got.Outcome)
	}
	s.Modify("cn=admins,"+slapdtest.Groups, "uniqueMember", "uid=ada,"+slapdtest.People)
	got := ask()
	if got.Outcome != authenticator.Changed || !*got.Identity.Admin || cmp.Diff(got.Identity.Groups, []string{"admins", "physics"}) != "" {
		t.Errorf("made an admin: %+v", got)
	}
	s.Stop()
	if _, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("server gone: %v", err)
	}
	s.Restart()
	s.Modify("uid=ada,"+slapdtest.People, "sn", "Somebody Else")
	if got := ask(); got.Outcome != authenticator.LoginAgain {
		t.Errorf("the filter does not match any more: %v", got.Outcome)
	}
	s.Modify("uid=ada,"+slapdtest.People, "sn", "Lovelace")
	s.Delete("uid=ada," + slapdtest.People)
	if got := ask(); got.Outcome != authenticator.LoginAgain {
		t.Errorf("deleted: %v", got.Outcome)
	}
	if got, err := a.Refresh(t.Context(), "ada", nil, nil); err != nil || got.Outcome != authenticator.LoginAgain {
		t.Errorf("no state: %v, %v", got.Outcome, err)
	}
}

// Out of the allowed groups is out of the session, and nobody to search with is
// nobody to ask.
func TestRefreshOfRules(t *testing.T) {
	s := directory(t)
	o := bySearch(t, s)
	o.AllowedGroups = []string{"cn=physics," + slapdtest.Groups}
	a, silent := must(t, o), must(t, byTemplate(t, s))
	for _, of := range []*ldap.Authenticator{a, silent} {
		identity, err := of.Authenticate(t.Context(), attempt("ada", slapdtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		s.Modify("cn=physics,"+slapdtest.Groups, "member", "uid=eve,"+slapdtest.People)
		want := authenticator.LoginAgain
		if of == silent {
			want = authenticator.Fresh
		}
		if got, err := of.Refresh(t.Context(), "ada", identity.AuthState, nil); err != nil || got.Outcome != want {
			t.Errorf("outcome %v, %v, want %v", got.Outcome, err, want)
		}
	}
}

// Where users may read nothing, a name with other spellings could be anybody's.
func TestEntriesThatNobodyReads(t *testing.T) {
	s := slapdtest.Start(t, slapdtest.Options{LDIF: slapdtest.Directory, Access: "access to attrs=userPassword by anonymous auth by * none\naccess to * by * auth\n"})
	a := must(t, byTemplate(t, s))
	for typed, want := range map[string]string{"ada": "ada", "mary ann": "mary ann", "mary  ann": "", "strasse": "", "straße": ""} {
		if got := name(t, a, typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	good := func() ldap.Options {
		return ldap.Options{Servers: []string{"ldaps://x"}, BindDNTemplates: []string{template}}
	}
	for want, change := range map[string]func(*ldap.Options){
		"no server":                    func(o *ldap.Options) { o.Servers = nil },
		"write ldaps://HOST":           func(o *ldap.Options) { o.Servers = []string{"ldap.example.org"} },
		"http://x":                     func(o *ldap.Options) { o.Servers = []string{"http://x"} },
		"ldaps://user@x":               func(o *ldap.Options) { o.Servers = []string{"ldaps://user@x"} },
		"nothing says where users are": func(o *ldap.Options) { o.BindDNTemplates = nil },
		"has no {username}":            func(o *ldap.Options) { o.BindDNTemplates = []string{"uid=ada,dc=x"} },
		"needs a DN and a password":    func(o *ldap.Options) { o.SearchUser = "cn=x" },
		"is no DN":                     func(o *ldap.Options) { o.SearchBase = "people" },
		`filter "(uid=x"`:              func(o *ldap.Options) { o.UserFilter = "(uid=x" },
		`filter "nonsense"`:            func(o *ldap.Options) { o.GroupFilter = "nonsense" },
		"is no name of an attribute":   func(o *ldap.Options) { o.UserAttributes = []string{"uid=*)(cn"} },
		"needs a base for groups":      func(o *ldap.Options) { o.Nested = true },
		"must be given by its DN":      func(o *ldap.Options) { o.AllowedGroups = []string{"physics"} },
	} {
		o := good()
		change(&o)
		if _, err := ldap.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if got := must(t, good()).Warnings(authenticator.Rules{}); got != nil {
		t.Errorf("warnings %q", got)
	}
	o := good()
	o.Insecure = true
	if got := must(t, o).Warnings(authenticator.Rules{}); len(got) != 1 || !strings.Contains(got[0], "in the clear") {
		t.Errorf("warnings %q", got)
	}
}
