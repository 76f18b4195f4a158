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
//		username_claim <name>
//		groups_claim <name>
//		admin_claim <name>
//		auth_state_claims <names...>
//		token_claim <name>
//		active_claim <name>
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
		"username_claim":    words.ToText(&a.UsernameClaim),
		"groups_claim":      words.ToText(&a.GroupsClaim),
		"admin_claim":       words.ToText(&a.AdminClaim),
		"auth_state_claims": words.ToTexts(&a.AuthStateClaims),
		"token_claim":       words.ToText(&a.TokenClaim),
		"active_claim":      words.ToText(&a.ActiveClaim),
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
