package hub

import (
	"log/slog"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/web"
)

// checker asks about logins elsewhere as a configuration says.
func (p *parts) checker(settings Settings, login *authenticator.Login, log *slog.Logger) *refresh.Checker {
	return refresh.New(refresh.Options{
		Directory: p.directory, Login: login, Others: []string{web.ByExchange},
		Every: settings.Refresh.Every, Grace: settings.Refresh.Grace, BeforeStart: settings.Refresh.BeforeStart,
		Observe: func(outcome refresh.Outcome) { p.metrics.Refreshed(string(outcome)) }, Audit: p.audit, Log: log,
	})
}

// reviews has open WebSockets looked at as often as logins are to be confirmed:
// some sessions make no other traffic.
func (p *parts) reviews(every time.Duration) {
	if every == 0 {
		every = refresh.DefaultEvery
	}
	p.sockets.ReviewEvery(every)
}

// foreignCookies are those of other sites that authenticators read: hidden ones no
// upstream sees, and none of both may one set.
func foreignCookies(authenticators []authenticator.Named) (hidden, shown []string) {
	for _, named := range authenticators {
		reader, ok := named.Authenticator.(authenticator.CookieReader)
		if !ok {
			continue
		}
		if names, forward := reader.Cookies(); forward {
			shown = append(shown, names...)
		} else {
			hidden = append(hidden, names...)
		}
	}
	return hidden, shown
}
