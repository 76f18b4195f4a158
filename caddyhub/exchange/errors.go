package exchange

import "errors"

var (
	// ErrRefused says that a token is unknown, malformed or not for us.
	ErrRefused = errors.New("exchange: token refused")
	// ErrExpired says that a token has been good before, as far as whoever made it
	// tells.
	ErrExpired = errors.New("exchange: token expired")
	// ErrUsed says that a token, or what was held of it, has been used already.
	ErrUsed = errors.New("exchange: token used before")
	// ErrUnavailable says that nobody can tell what a token is worth: the portal,
	// or its keys, are out of reach or do not answer as they should. To the browser
	// it is a 503.
	ErrUnavailable = errors.New("exchange: portal unavailable")
)
