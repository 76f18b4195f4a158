//go:build pam && cgo

package pam

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
)

// program is what pam_exec runs: it knows a few users, and with what is on its
// standard input the password of each.
const program = `#!/bin/sh
echo "$PAM_TYPE $PAM_USER $PAM_RHOST" >>"$0.log"
case $PAM_TYPE in
account) [ "$PAM_USER" != expired ]; exit ;;
open_session | close_session) exit 0 ;;
esac
given=$(tr -d '\000')
case $1 in
otp) [ "$given" = 123456 ]; exit ;;
esac
case $PAM_USER in
ada | expired) [ "$given" = Engine-1 ] ;;
jürgen) [ "$given" = "$(printf 'gr\374n')" ] || [ "$given" = grün ] ;;
*) exit 1 ;;
esac
`

// services are files of /etc/pam.d, with DIR for the folder of the program.
var services = map[string]string{
	"hub": `auth [success=done default=die] pam_exec.so expose_authtok quiet DIR/program
account [success=ok default=die] pam_exec.so quiet DIR/program
session required pam_exec.so quiet DIR/program
`,
	// pam_ftp asks for a password every time; what it says about it does not count.
	"otp": `auth optional pam_ftp.so
auth [success=ok default=die] pam_exec.so expose_authtok quiet DIR/program
auth optional pam_ftp.so
auth [success=done default=die] pam_exec.so expose_authtok quiet DIR/program otp
account required pam_permit.so
`,
	"permit":  "auth required pam_permit.so\naccount required pam_permit.so\n",
	"deny":    "auth required pam_deny.so\naccount required pam_permit.so\n",
	"missing": "auth required pam_no_such_module.so\naccount required pam_permit.so\n",
	"noacct":  "auth required pam_permit.so\naccount required pam_deny.so\n",
}

// folder makes the services.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "program"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range services {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func must(t *testing.T, o Options) *Authenticator {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestContractOfPAM(t *testing.T) {
	dir := folder(t)
	authenticatortest.Run(t, authenticatortest.Subject{
		New: func(t *testing.T) authenticator.Authenticator {
			return must(t, Options{Service: "hub", ConfigDir: dir})
		},
		Good: attempt("ada", password), Identity: authenticator.Identity{Name: "ada"},
		Broken: func(t *testing.T) authenticator.Authenticator {
			return must(t, Options{Service: "missing", ConfigDir: dir})
		},
	})
}

func TestServices(t *testing.T) {
	dir := folder(t)
	for about, test := range map[string]struct {
		options Options
		attempt authenticator.Attempt
		want    error
	}{
		"right":                     {Options{Service: "hub"}, attempt("Ada", password), nil},
		"wrong":                     {Options{Service: "hub"}, attempt("ada", "x"), authenticator.ErrDenied},
		"unknown":                   {Options{Service: "hub"}, attempt("nobody-here", password), authenticator.ErrDenied},
		"expired":                   {Options{Service: "hub"}, attempt("expired", password), authenticator.ErrDenied},
		"expired, not looked":       {Options{Service: "hub", SkipAccount: true}, attempt("expired", password), nil},
		"everybody":                 {Options{Service: "permit"}, attempt("ada", "anything"), nil},
		"everybody, but a password": {Options{Service: "permit"}, attempt("ada", ""), authenticator.ErrDenied},
		"nobody":                    {Options{Service: "deny"}, attempt("ada", password), authenticator.ErrDenied},
		"no account":                {Options{Service: "noacct"}, attempt("ada", password), authenticator.ErrDenied},
		"no module":                 {Options{Service: "missing"}, attempt("ada", password), authenticator.ErrUnavailable},
		"with a code":               {Options{Service: "otp"}, withOTP("ada", password, "123456"), nil},
		"with a wrong code":         {Options{Service: "otp"}, withOTP("ada", password, "654321"), authenticator.ErrDenied},
		"without a code":            {Options{Service: "otp"}, attempt("ada", password), authenticator.ErrDenied},
		"code and a wrong password": {Options{Service: "otp"}, withOTP("ada", "x", "123456"), authenticator.ErrDenied},
		"password for the code":     {Options{Service: "otp"}, withOTP("ada", password, password), authenticator.ErrDenied},
		"UTF-8":                     {Options{Service: "hub"}, attempt("jürgen", "grün"), nil},
		"Latin 1 cannot write it":   {Options{Service: "hub", Encoding: "iso-8859-1"}, attempt("ada", "Ω"), authenticator.ErrDenied},
	} {
		test.options.ConfigDir = dir
		identity, err := must(t, test.options).Authenticate(t.Context(), test.attempt)
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %v, %v, want %v", about, identity, err, test.want)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "program.log"))
	if err != nil || !strings.Contains(string(log), "auth ada 192.0.2.1\n") {
		t.Errorf("modules are not told who asks and from where: %q, %v", log, err)
	}
}

func withOTP(name, password, otp string) authenticator.Attempt {
	a := attempt(name, password)
	a.Form["otp"] = otp
	return a
}

func TestSessionsAndRefreshOfPAM(t *testing.T) {
	dir := folder(t)
	a := must(t, Options{Service: "hub", ConfigDir: dir, OpenSessions: true})
	use := authenticator.ServerUse{User: "ada"}
	if _, err := a.PreSpawn(t.Context(), use); err != nil {
		t.Error(err)
	}
	if err := a.PostStop(t.Context(), use); err != nil {
		t.Error(err)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "program.log"))
	if !strings.Contains(string(log), "open_session ada") || !strings.Contains(string(log), "close_session ada") {
		t.Errorf("sessions: %q", log)
	}
	for name, want := range map[string]authenticator.Outcome{"ada": authenticator.Fresh, "expired": authenticator.LoginAgain} {
		got, err := a.Refresh(t.Context(), name, []byte(`{"name":"`+name+`"}`), nil)
		if err != nil || got.Outcome != want {
			t.Errorf("%s: %v, %v, want %v", name, got.Outcome, err, want)
		}
	}
}

func TestOptionsOfPAM(t *testing.T) {
	if _, err := New(Options{Encoding: "no-such-encoding"}); err == nil || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("error %v", err)
	}
}
