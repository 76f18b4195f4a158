package hubexchange

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/exchange"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
	"github.com/caddyhub/caddyhub/caddyhub/web"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Redeem is where a portal is asked what a token is worth: the hub posts
// {"token": "..."} as JSON. 200 with a JSON object says who it is, 400 that the token
// has expired, 404 that there is none.
type Redeem struct {
	// URL that is posted to. Required.
	URL string `json:"url,omitempty"`
	// Headers are sent along, such as an API key of the hub at the portal. Default:
	// none.
	Headers map[string]string `json:"headers,omitempty"`
	// Bearer is a token of the hub at the portal. Default: none.
	Bearer string `json:"bearer,omitempty"`
	// BasicUser and BasicPassword are sent as HTTP basic authentication. Default: not
	// sent.
	BasicUser string `json:"basic_user,omitempty"`
	// BasicPassword belongs to BasicUser.
	BasicPassword string `json:"basic_password,omitempty"`
}

// JWT says which JSON Web Tokens are believed. Each must have an id (jti), by which
// it is good once.
type JWT struct {
	// Key is a public key or certificate in PEM, or a secret of at least 32 bytes that
	// is shared with the portal. Either this or JWKS.
	Key string `json:"key,omitempty"`
	// JWKS is the URL of a key set (RFC 7517).
	JWKS string `json:"jwks,omitempty"`
	// Issuer is what "iss" must be. Default: anything.
	Issuer string `json:"issuer,omitempty"`
	// Audience is what "aud" must be or contain: the hub, as the portal calls it.
	// Required.
	Audience string `json:"audience,omitempty"`
	// MaxLifetime is how long a token may be good for. Default: 60s.
	MaxLifetime words.Duration `json:"max_lifetime,omitempty"`
}

// make replaces placeholders and makes what serves.
func (h *Handler) make(log *slog.Logger) (*web.Arrivals, error) {
	kind, err := h.kind(log)
	if err != nil {
		return nil, fmt.Errorf("hub_exchange: %w", err)
	}
	return &web.Arrivals{
		Exchange:  exchange.New(exchange.Options{Kind: kind, Claims: h.claims(), OnlyServer: h.LimitToServer}),
		Parameter: h.parameter(), Header: h.Header,
		KnownOnly: h.CreateUsers != nil && !*h.CreateUsers, StartServer: h.StartServer,
		PortalURL: expand(h.Portal),
	}, nil
}

func expand(text string) string { return caddy.NewReplacer().ReplaceAll(text, "") }

func (h *Handler) kind(log *slog.Logger) (exchange.Kind, error) {
	if h.Redeem != nil {
		return exchange.NewOpaque(exchange.OpaqueOptions{
			URL: expand(h.Redeem.URL), Header: h.Redeem.header(), Timeout: time.Duration(h.Timeout),
		})
	}
	options := jwks.Options{URL: expand(h.JWT.JWKS), Log: log}
	if key := expand(h.JWT.Key); strings.HasPrefix(strings.TrimSpace(key), "-----BEGIN ") {
		options.PEM = []byte(key)
	} else {
		options.Secret = []byte(key)
	}
	verifier, err := jwks.New(options)
	if err != nil {
		return nil, err
	}
	return exchange.NewSigned(exchange.SignedOptions{
		Verifier: verifier, Issuer: expand(h.JWT.Issuer), Audience: expand(h.JWT.Audience),
		MaxLifetime: time.Duration(h.JWT.MaxLifetime),
	})
}

// header is what is sent to the portal along with a token.
func (r *Redeem) header() http.Header {
	request := &http.Request{Header: http.Header{}}
	for name, value := range r.Headers {
		request.Header.Set(name, expand(value))
	}
	if r.Bearer != "" {
		request.Header.Set("Authorization", "Bearer "+expand(r.Bearer))
	}
	if r.BasicUser != "" {
		request.SetBasicAuth(expand(r.BasicUser), expand(r.BasicPassword))
	}
	return request.Header
}

func (h *Handler) claims() exchange.Claims {
	or := func(claim, usual string) string {
		if claim == "" {
			return usual
		}
		return claim
	}
	user := "name"
	if h.JWT != nil {
		user = "sub"
	}
	return exchange.Claims{
		User: or(h.UsernameClaim, user), Groups: h.GroupsClaim, Admin: h.AdminClaim, AuthState: h.AuthStateClaim,
		Scopes: or(h.ScopesClaim, "scopes"), Server: or(h.ServerClaim, "server"), Next: or(h.NextClaim, "next"),
	}
}
