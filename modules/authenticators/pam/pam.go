// Package pam is the module caddyhub.authenticators.pam: users of the operating
// system, by PAM. It is in every build, and says in those without PAM how to make
// one that has it.
package pam

import (
	"errors"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/pam"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator lets in users of the operating system (JupyterHub's
// PAMAuthenticator). It needs a build with the tag "pam". For accounts in
// /etc/shadow the hub must run as root, or as a user who may read that file.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: pam, then pam_2 and so on.
	Name string `json:"name,omitempty"`
	// Service is the name of the file in /etc/pam.d. Default: login.
	Service string `json:"service,omitempty"`
	// ConfigDir is the folder of that file, where it is not /etc/pam.d. Default:
	// that of the system.
	ConfigDir string `json:"config_dir,omitempty"`
	// CheckAccount refuses accounts that are locked, expired or barred from the
	// service. Default: true.
	CheckAccount *bool `json:"check_account,omitempty"`
	// OpenSessions opens a PAM session when a server starts and closes it when the
	// server has stopped. The session is not that of the server's process, so that
	// many modules for sessions do not work. Default: false.
	OpenSessions bool `json:"open_sessions,omitempty"`
	// AdminGroups are groups of the system whose members are administrators; others
	// who log in are none, but for those that "admins" names. Default: the system
	// does not say.
	AdminGroups []string `json:"admin_groups,omitempty"`
	// AllowedGroups are groups of the system, one of which a user must be in. Alone
	// they let their members in; where allow rules are given, those hold as well.
	// Default: no condition.
	AllowedGroups []string `json:"allowed_groups,omitempty"`
	// NormalizeUsername takes the name that the system has for the user's number
	// (JupyterHub's pam_normalize_username). Default: false.
	NormalizeUsername bool `json:"pam_normalize_username,omitempty"`
	// Encoding of names and passwords, such as iso-8859-1. Default: utf8.
	Encoding string `json:"encoding,omitempty"`
	// RequestOTP asks for a one-time code as well, with which PAM's second question
	// is answered. Default: false.
	RequestOTP bool `json:"request_otp,omitempty"`
	// ExecutorThreads is how many logins are with PAM at once. Default: 4.
	ExecutorThreads int `json:"executor_threads,omitempty"`
	// Timeout is how long a login may take. Default: 30s.
	Timeout words.Duration `json:"timeout,omitempty"`
	// LoginService is what stands above the form of the login page. Default: the
	// name, if there are several ways to log in.
	LoginService string `json:"login_service,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.pam", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision fails in a build without PAM, and says how to make another.
func (a *Authenticator) Provision(caddy.Context) error {
	if a.ExecutorThreads < 0 {
		return errors.New("pam: executor_threads must not be negative")
	}
	_, err := a.Authenticator(nil)
	return err
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	made, err := pam.New(pam.Options{
		Service: a.Service, ConfigDir: a.ConfigDir, SkipAccount: a.CheckAccount != nil && !*a.CheckAccount,
		OpenSessions: a.OpenSessions, AdminGroups: a.AdminGroups, AllowedGroups: a.AllowedGroups,
		NormalizeUsername: a.NormalizeUsername, Encoding: a.Encoding, OTP: a.RequestOTP, Title: a.LoginService,
		Threads: a.ExecutorThreads, Timeout: time.Duration(a.Timeout), Log: log,
	})
	if err != nil {
		return nil, err // not a nil *pam.Authenticator in an interface
	}
	return made, nil
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator pam [<name>] {
//		service <name>
//		config_dir <folder>
//		check_account on|off
//		open_sessions
//		admin_groups <groups...>
//		allowed_groups <groups...>
//		pam_normalize_username
//		encoding <name>
//		request_otp
//		executor_threads <number>
//		timeout <duration>
//		login_service <text>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.NamedModule(d, "authenticator pam", &a.Name, map[string]words.Word{
		"service":                words.ToText(&a.Service),
		"config_dir":             words.ToText(&a.ConfigDir),
		"check_account":          words.ToSwitch(&a.CheckAccount),
		"open_sessions":          words.ToTrue(&a.OpenSessions),
		"admin_groups":           words.ToTexts(&a.AdminGroups),
		"allowed_groups":         words.ToTexts(&a.AllowedGroups),
		"pam_normalize_username": words.ToTrue(&a.NormalizeUsername),
		"encoding":               words.ToText(&a.Encoding),
		"request_otp":            words.ToTrue(&a.RequestOTP),
		"executor_threads":       words.ToNumber(&a.ExecutorThreads),
		"timeout":                words.ToDuration(&a.Timeout),
		"login_service":          words.ToText(&a.LoginService),
	}, map[string]string{
		"create_system_users": `nothing: accounts are made by the system's administrator`,
		"otp_prompt":          `"request_otp"`,
	})
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
