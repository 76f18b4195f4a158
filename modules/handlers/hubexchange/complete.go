package hubexchange

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/caddyhub/caddyhub/modules/internal/accesslog"
)

// defaultParameter is that of JupyterHub's forced login.
const defaultParameter = "login_token"

func (h *Handler) parameter() string { return cmp.Or(h.Parameter, defaultParameter) }

// complete says what an exchange cannot do without. It reads no placeholder.
func (h *Handler) complete() error {
	for _, check := range []func() error{h.completeToken, h.completeKind, h.completePortal} {
		if err := check(); err != nil {
			return fmt.Errorf("hub_exchange: %w", err)
		}
	}
	return nil
}

// completeToken refuses names that the access log would show the token under.
func (h *Handler) completeToken() error {
	if !accesslog.HidesParameter(h.parameter()) {
		return fmt.Errorf("access logs would show the parameter %q: it needs a name that tells that it is secret, with token, ticket, code or key in it", h.parameter())
	}
	if h.Header == "" {
		return nil
	}
	h.Header = http.CanonicalHeaderKey(h.Header)
	switch {
	case !httpguts.ValidHeaderFieldName(h.Header):
		return fmt.Errorf("%q is no name of a header", h.Header)
	case h.Header == "Authorization", h.Header == "Cookie":
		return fmt.Errorf("the header %s has the credentials of the hub itself; take another, such as X-Login-Token", h.Header)
	case !accesslog.HidesHeader(h.Header):
		return fmt.Errorf("access logs would show the header %s: it needs a name that tells that it is secret, with Token or Secret in it", h.Header)
	}
	return nil
}

func (h *Handler) completeKind() error {
	switch {
	case h.Redeem == nil && h.JWT == nil:
		return errors.New("how is a token checked? Add \"redeem URL\" to ask the portal, or \"jwt { ... }\" if it signs tokens")
	case h.Redeem != nil && h.JWT != nil:
		return errors.New("redeem and jwt exclude each other: tokens are of one kind; for another kind add another hub_exchange with another parameter")
	case h.JWT != nil && h.Timeout != 0:
		return errors.New("timeout is for redeem: with jwt nobody is asked")
	case h.Redeem != nil:
		return h.Redeem.complete()
	}
	return h.JWT.complete()
}

func (r *Redeem) complete() error {
	if r.URL == "" {
		return errors.New("redeem takes the URL that tokens are posted to")
	}
	if err := webAddress("redeem", r.URL); err != nil {
		return err
	}
	ways := 0
	for _, given := range []bool{r.Bearer != "", r.BasicUser != "" || r.BasicPassword != ""} {
		if given {
			ways++
		}
	}
	for name := range r.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is no name of a header", name)
		}
		if strings.EqualFold(name, "Authorization") {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("redeem: bearer, basic and the header Authorization exclude each other")
	}
	if (r.BasicUser == "") != (r.BasicPassword == "") {
		return errors.New("redeem: basic takes a user and a password")
	}
	return nil
}

func (j *JWT) complete() error {
	switch {
	case (j.Key == "") == (j.JWKS == ""):
		return errors.New("jwt needs either a key or jwks, the URL of a key set")
	case j.Audience == "":
		return errors.New("jwt needs an audience: else a token that was signed for another site logs in here")
	}
	return webAddress("jwks", j.JWKS)
}

func (h *Handler) completePortal() error { return webAddress("portal", h.Portal) }

// webAddress refuses what is no address of a site; placeholders are not known yet.
func webAddress(word, text string) error {
	if text == "" || strings.Contains(text, "{") {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return fmt.Errorf("%s takes an address that begins with https:// or http://, without credentials", word)
	}
	return nil
}
