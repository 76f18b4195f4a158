package page

import "time"

// Token is the page on which users ask for API tokens and take them back.
type Token struct {
	// New is the token that was just made. It is shown once. Nil: none.
	New *NewToken

	// RequestURL takes a post of note, expires_in (seconds; empty is never) and
	// scopes (separated by space), and answers with this page and New set.
	// Empty: the form is not shown.
	RequestURL string

	// Note, ExpiresIn and Scopes fill the form, after an error.
	Note, ExpiresIn, Scopes string

	// Error is why the last request failed.
	Error string

	// Expirations are the choices for expires_in. See Expirations.
	Expirations []Choice

	// Tokens are the user's API tokens.
	Tokens []APIToken

	// Applications are what the user let in by OAuth.
	Applications []Application
}

// NewToken is a token just made.
type NewToken struct {
	Secret string
	Note   string

	// ExpiresAt. Zero: never.
	ExpiresAt time.Time
}

// APIToken is a row of the table of tokens.
type APIToken struct {
	ID     string
	Note   string
	Scopes []string

	// Created, LastUsed and ExpiresAt; zero means never, or not known.
	Created, LastUsed, ExpiresAt time.Time

	// RevokeURL takes a post. Empty: no such button.
	RevokeURL string
}

// Application is an OAuth client that holds tokens of the user.
type Application struct {
	// ID is the id of one of its tokens; to revoke that one revokes all.
	ID          string
	Description string
	Scopes      []string

	// FirstAuthorized and LastUsed; zero means never, or not known.
	FirstAuthorized, LastUsed time.Time

	// RevokeURL takes a post. Empty: no such button.
	RevokeURL string
}

func (Token) template() string { return "token" }

// Expirations are the usual choices for the life of a token: an hour, a day, a
// week, a month, a year, never. Those longer than max are left out, and never
// becomes max. Zero: no limit.
func Expirations(limit time.Duration) []Choice {
	return nil
}
