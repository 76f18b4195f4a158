package sharedpassword_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/sharedpassword"
	"github.com/google/go-cmp/cmp"
)

const (
	userPassword  = "Workshop-2026"
	adminPassword = "correct horse battery staple, and then some"
	tutorPassword = "tutors only"
)

func options() sharedpassword.Options {
	return sharedpassword.Options{
		UserPassword: userPassword, AdminPassword: adminPassword,
		PasswordGroups: map[string][]string{tutorPassword: {"tutors", "staff"}, "no groups at all": nil},
	}
}

func attempt(user, password string) authenticator.Attempt {
	return authenticator.Attempt{Form: map[string]string{"username": user, "password": password}}
}

func must(t *testing.T, o sharedpassword.Options) *sharedpassword.Authenticator {
	t.Helper()
	a, err := sharedpassword.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestContract(t *testing.T) {
	asAdmin := attempt("ada", adminPassword)
	asAdmin.Admin = true
	for name, test := range map[string]struct {
		good     authenticator.Attempt
		identity authenticator.Identity
	}{
		"user":  {attempt("eve", userPassword), authenticator.Identity{Name: "eve", Admin: new(false), Groups: []string{}}},
		"group": {attempt("eve", tutorPassword), authenticator.Identity{Name: "eve", Admin: new(false), Groups: []string{"tutors", "staff"}}},
		"admin": {asAdmin, authenticator.Identity{Name: "ada", Admin: new(true), Groups: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			authenticatortest.Run(t, authenticatortest.Subject{
				New:  func(t *testing.T) authenticator.Authenticator { return must(t, options()) },
				Good: test.good, Identity: test.identity,
			})
		})
	}
}

func TestWhoGetsInWithWhat(t *testing.T) {
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "shared", Authenticator: must(t, options())}},
		Rules:          authenticator.Rules{AllowAll: true, Admins: []string{"Ada"}, UsernameMap: map[string]string{"countess": "ada"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	admin, user, tutor := new(true), new(false), []string{"staff", "tutors"}
	for _, test := range []struct {
		user, password string
		want           *authenticator.Decision
	}{
		{"eve", userPassword, &authenticator.Decision{User: "eve", Admin: user, Groups: []string{}}},
		{"eve", tutorPassword, &authenticator.Decision{User: "eve", Admin: user, Groups: tutor}},
		{"eve", "no groups at all", &authenticator.Decision{User: "eve", Admin: user, Groups: []string{}}},
		{"eve", adminPassword, nil},
		{"ada", adminPassword, &authenticator.Decision{User: "ada", Admin: admin, Groups: []string{}}},
		{" ADA ", adminPassword, &authenticator.Decision{User: "ada", Admin: admin, Groups: []string{}}},
		{"Countess", adminPassword, &authenticator.Decision{User: "ada", Admin: admin, Groups: []string{}}},
		// The account of an admin opens to no other password, however its name is spelled.
		{"ada", userPassword, nil},
		{"ADA", userPassword, nil},
		{" ada ", userPassword, nil},
		{"countess", userPassword, nil},
		{"ada", tutorPassword, nil},
		{"a/b", userPassword, nil},
	} {
		got, err := login.Login(t.Context(), "shared", attempt(test.user, test.password))
		if test.want == nil {
			if !errors.Is(err, authenticator.ErrDenied) {
				t.Errorf("%q with %q: decision %v, error %v, want ErrDenied", test.user, test.password, got, err)
			}
			continue
		}
		test.want.Authenticator = "shared"
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q with %q: %v\n%s", test.user, test.password, err, diff)
		}
	}
}

// Without password groups the authenticator has no say about groups.
func TestGroupsAreLeftAlone(t *testing.T) {
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "shared", Authenticator: must(t, sharedpassword.Options{UserPassword: userPassword})}},
		Rules:          authenticator.Rules{AllowAll: true, Admins: []string{"ada"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	decision, err := login.Login(t.Context(), "shared", attempt("eve", userPassword))
	if err != nil || decision.Groups != nil {
		t.Errorf("decision %+v, error %v, want groups nil", decision, err)
	}
	for _, password := range []string{"", userPassword} {
		if _, err := login.Login(t.Context(), "shared", attempt("ada", password)); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("admin without an admin password, with %q: %v, want ErrDenied", password, err)
		}
	}
}

// An attempt that did not come through a Login names nobody, so nobody gets in.
func TestNeedsLogin(t *testing.T) {
	if _, err := must(t, options()).Authenticate(t.Context(), attempt("ada", userPassword)); !errors.Is(err, authenticator.ErrDenied) {
		t.Errorf("error %v, want ErrDenied", err)
	}
}

func TestPasswordsRefused(t *testing.T) {
	long := strings.Repeat("x", 32)
	for want, o := range map[string]sharedpassword.Options{
		"user_password must have at least 8 characters, not 7":    {UserPassword: "ünïcödé"},
		"admin_password must have at least 32 characters, not 31": {AdminPassword: long[1:]},
		"must differ":                      {UserPassword: long, AdminPassword: long},
		"in password_groups must have":     {PasswordGroups: map[string][]string{"short": nil}},
		"in password_groups is empty":      {PasswordGroups: map[string][]string{"": nil}},
		"is the same as user_password":     {UserPassword: "password", PasswordGroups: map[string][]string{"password": nil}},
		"longer than the 4096 bytes":       {UserPassword: strings.Repeat("x", 4097)},
		"password_groups is the same as u": {AdminPassword: long, PasswordGroups: map[string][]string{long: nil}},
	} {
		_, err := sharedpassword.New(o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
			continue
		}
		for _, secret := range []string{"ünïcödé", long[1:], "short"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error %q tells a password", err)
			}
		}
	}
	if _, err := sharedpassword.New(sharedpassword.Options{UserPassword: "12345678", AdminPassword: long}); err != nil {
		t.Errorf("passwords of the least length: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	admins := authenticator.Rules{Admins: []string{"ada"}}
	long := strings.Repeat("x", 32)
	for _, test := range []struct {
		options sharedpassword.Options
		rules   authenticator.Rules
		want    string // beginning of the only warning; empty for none
	}{
		{sharedpassword.Options{}, admins, "No password is set"},
		{sharedpassword.Options{UserPassword: userPassword}, admins, "Admins are named"},
		{sharedpassword.Options{UserPassword: userPassword}, authenticator.Rules{}, ""},
		{sharedpassword.Options{AdminPassword: long}, admins, "user_password is not set"},
		{sharedpassword.Options{UserPassword: userPassword, AdminPassword: long}, authenticator.Rules{}, "admin_password is set"},
		{options(), admins, ""},
	} {
		got := must(t, test.options).Warnings(test.rules)
		switch {
		case test.want == "" && len(got) > 0, test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)):
			t.Errorf("warnings %q, want %q", got, test.want)
		}
	}
}
