package codeflow

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

const (
	// maxCode bounds the code of an answer in bytes. Some providers put a whole
	// encrypted token into it.
	maxCode = 4096
	// maxTold bounds what a page shows of a provider's words, in characters.
	maxTold = 300
)

// Issuer is who must have answered, where answers say it (RFC 9207).
type Issuer struct {
	// Name of the provider; empty if it has none.
	Name string
	// Always says that the provider names itself in every answer.
	Always bool
}

// Code takes the code out of the provider's answer to this flow. The error is one
// for authenticator.Describe.
func (f Flow) Code(answer url.Values, from Issuer) (string, error) {
	for _, name := range []string{"state", "iss", "code", "error", "error_description"} {
		if len(answer[name]) > 1 {
			return "", bad("the answer has %q twice", name)
		}
	}
	if subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(f.State())) != 1 {
		return "", bad("the state is not that of this browser")
	}
	issuer, named := answer.Get("iss"), answer.Has("iss")
	if from.Name != "" && (named || from.Always) && issuer != from.Name {
		return "", bad("the answer is from another provider")
	}
	if answer.Has("error") {
		return "", refusal(answer.Get("error"), answer.Get("error_description"))
	}
	code := answer.Get("code")
	if code == "" || len(code) > maxCode {
		return "", bad("the answer has no code, or one that is too long")
	}
	return code, nil
}

// bad is the error for an answer that does not belong to the flow.
func bad(format string, args ...any) error {
	return &authenticator.Error{
		Status:  http.StatusBadRequest,
		Message: "This answer does not belong to a login that this browser began. Begin again from the login page.",
		Err:     fmt.Errorf("%w: %w", authenticator.ErrDenied, fmt.Errorf(format, args...)),
	}
}

// refusal is a provider's error answer (RFC 6749, section 4.1.2.1). Only what it
// says of the person is a 403; all else is between it and the hub.
func refusal(code, description string) error {
	code, description = Told(code, 64), Told(description, maxTold)
	cause := fmt.Errorf("the provider answered %q: %q", code, description)
	switch code {
	case "access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required":
		message := "The login was cancelled or refused where you logged in."
		if description != "" {
			message += ` It says: "` + description + `"`
		}
		return &authenticator.Error{
			Status: http.StatusForbidden, Message: message, Err: fmt.Errorf("%w: %w", authenticator.ErrDenied, cause),
		}
	case "server_error", "temporarily_unavailable":
		return fmt.Errorf("%w: %w", authenticator.ErrUnavailable, cause)
	}
	return &authenticator.Error{
		Status:  http.StatusBadGateway,
		Message: "The identity provider does not accept requests of this hub. Its administrator finds the reason in the log.",
		Err:     cause,
	}
}

// Told makes foreign text fit to be shown and logged: printable, on one line, and
// at most so many characters.
func Told(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
