package page

import (
	"strconv"
	"time"
)

// Token is the page on which users ask for API tokens and take them back.
type Token struct {
	// New is the token that was just made. It is shown once. Nil: none.
	New *NewToken

	// RequestURL takes a post of note, expires_in (seconds; empty is never) and
	// scopes (separated by space), and answers with this page and New set. A
	// GET of the same address shows the page too, so that it can be loaded
	// again. Empty: the form is not shown.
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

// expirations are the usual lifetimes of a token.
var expirations = []struct {
	life  time.Duration
	label string
}{
	{time.Hour, "1 hour"},
	{24 * time.Hour, "1 day"},
	{7 * 24 * time.Hour, "1 week"},
	{30 * 24 * time.Hour, "30 days"},
	{365 * 24 * time.Hour, "1 year"},
}

// Expirations are the usual choices for the life of a token: an hour, a day, a
// week, a month, a year, and never. With a limit, those beyond it are left out
// and the limit itself takes the place of never. Zero or less: no limit.
func Expirations(limit time.Duration) []Choice {
	var choices []Choice
	for _, e := range expirations {
		if limit > 0 && e.life >= limit {
			break
		}
		choices = append(choices, Choice{Value: seconds(e.life), Label: e.label})
	}
	if limit <= 0 {
		return append(choices, Choice{Label: "Never"})
	}
	return append(choices, Choice{Value: seconds(limit), Label: lifetime(limit) + " (the longest allowed)"})
}

// seconds is a duration as the field expires_in has it, at least one.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64(d/time.Second)), 10)
}

// lifetime is a duration in the largest unit that fits without a rest.
func lifetime(d time.Duration) string {
	units := []struct {
		size      time.Duration
		one, many string
	}{
		{24 * time.Hour, "day", "days"},
		{time.Hour, "hour", "hours"},
		{time.Minute, "minute", "minutes"},
	}
	for _, unit := range units {
		if d >= unit.size && d%unit.size == 0 {
			return plural(int(d/unit.size), unit.one, unit.many)
		}
	}
	return plural(int(max(1, d/time.Second)), "second", "seconds")
}
