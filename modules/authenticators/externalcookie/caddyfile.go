package externalcookie

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Values of missing_cookie.
const (
	missingAsk    = "ask"
	missingLogout = "logout"
)

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator external_cookie {
//		cookie <name>
//		verify <url>
//		timeout <duration>
//		jwt {
//			key <pem or secret>
//			jwks <url>
//			issuer <text>
//			audience <text>
//			max_lifetime <duration>
//			leeway <duration>
//		}
//		username_field <field>
//		groups_field <field>
//		admin_field <field>
//		auth_state_fields <fields...>
//		token_field <field>
//		active_field <field>
//		login_url <url>
//		login_parameter <name>
//		logout_url <url>
//		missing_cookie ask|logout
//		token_environment <name>
//		forward_cookie
//		login_service <name>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.Module(d, "authenticator external_cookie", map[string]words.Word{
		"cookie":            words.ToText(&a.Cookie),
		"verify":            words.ToText(&a.Verify),
		"timeout":           words.ToDuration(&a.Timeout),
		"jwt":               words.Once(a.parseJWT),
		"username_field":    words.ToText(&a.UsernameField),
		"groups_field":      words.ToText(&a.GroupsField),
		"admin_field":       words.ToText(&a.AdminField),
		"auth_state_fields": words.ToTexts(&a.AuthStateFields),
		"token_field":       words.ToText(&a.TokenField),
		"active_field":      words.ToText(&a.ActiveField),
		"login_url":         words.ToText(&a.LoginURL),
		"login_parameter":   words.ToText(&a.LoginParameter),
		"logout_url":        words.ToText(&a.LogoutURL),
		"missing_cookie":    words.Once(a.parseMissingCookie),
		"token_environment": words.ToText(&a.TokenEnvironment),
		"forward_cookie":    words.ToTrue(&a.ForwardCookie),
		"login_service":     words.ToText(&a.LoginService),
	})
	if err != nil {
		return err
	}
	if err := a.complete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (a *Authenticator) parseMissingCookie(d *caddyfile.Dispenser) error {
	text, err := words.Text(d)
	if err != nil {
		return err
	}
	if a.MissingCookie = text; text != missingAsk && text != missingLogout {
		return d.Errf("missing_cookie takes %q or %q, not %q", missingAsk, missingLogout, text)
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Authenticator)(nil)
