package oauth

import (
	"errors"
	"net/http"
	"net/netip"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
)

// authorized records what came of a request for a code: nil if it was issued.
func (p *Provider) authorized(r *http.Request, visit browser.Visit, client string, scopes []string, err error) {
	p.audit.Record(r.Context(), audit.Event{
		Action: "oauth.authorize", Actor: visit.Identity.Actor(), Remote: remote(r), Outcome: outcome(err),
		Target:  audit.Target{User: visit.Identity.Name(), ClientID: client},
		Details: map[string]any{"scopes": scopes},
	})
}

// exchanged records what came of an attempt to get a token for a code.
func (p *Provider) exchanged(r *http.Request, client string, made grant, err error) {
	event := audit.Event{
		Action: "oauth.token", Actor: audit.Actor{Kind: audit.Client, Name: client}, Remote: remote(r), Outcome: outcome(err),
		Target: audit.Target{ClientID: client},
	}
	if err == nil {
		event.Target.User, event.Target.TokenID = made.user, made.tokenID
		event.Details = map[string]any{"scopes": made.scopes}
	}
	p.audit.Record(r.Context(), event)
}

// outcome tells a refusal from trouble of ours.
func outcome(err error) audit.Outcome {
	switch {
	case err == nil:
		return audit.Success
	case errors.As(err, new(*refusal)):
		return audit.Refused
	}
	return audit.Failure
}

func remote(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}
