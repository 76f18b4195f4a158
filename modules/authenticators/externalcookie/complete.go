package externalcookie

import (
	"errors"
	"fmt"
)

// complete finds what is missing, without reading files or the environment.
func (a *Authenticator) complete() error {
	switch {
	case a.Cookie == "":
		return errors.New("authenticator external_cookie: name the cookie with \"cookie NAME\"")
	case (a.Verify == "") == (a.JWT == nil):
		return errors.New("authenticator external_cookie: say how the cookie is verified, with \"verify URL\" or \"jwt { ... }\", not both")
	case a.JWT != nil && (a.JWT.Key == "") == (a.JWT.JWKS == ""):
		return errors.New("authenticator external_cookie: jwt takes \"key KEY\" or \"jwks URL\", not both")
	case a.MissingCookie != "" && a.MissingCookie != missingAsk && a.MissingCookie != missingLogout:
		return fmt.Errorf("authenticator external_cookie: missing_cookie is %q or %q, not %q", missingAsk, missingLogout, a.MissingCookie)
	}
	return nil
}
