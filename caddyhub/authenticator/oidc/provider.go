package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

const (
	// fresh is how long metadata serves before it is read again.
	fresh = time.Hour
	// pause is the least time between two attempts to read it, so that a crowd at
	// the login page does not keep a provider down that is just coming up.
	pause = 2 * time.Second
	// patience is between two attempts without anybody who waits.
	patience = 15 * time.Second
	// maxCause bounds what a log line says of an answer that is no metadata.
	maxCause = 300
)

// metadata is what a provider says about itself (OpenID Connect Discovery 1.0,
// section 3).
type metadata struct {
	AuthorizeURL  string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	UserInfoURL   string   `json:"userinfo_endpoint"`
	KeysURL       string   `json:"jwks_uri"`
	EndSessionURL string   `json:"end_session_endpoint"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
	// NamesItself is RFC 9207.
	NamesItself bool `json:"authorization_response_iss_parameter_supported"`

	keys *jwks.Verifier
}

// provider finds out about a provider when it is needed.
type provider struct {
	options Options
	turn    chan struct{} // holds one while somebody asks

	mu    sync.Mutex // guards what follows
	known *metadata
	read  time.Time // when known was
	tried time.Time // zero: never
	err   error     // of the last attempt
}

func newProvider(o Options) *provider { return &provider{options: o, turn: make(chan struct{}, 1)} }

// metadata returns what is known of the provider, and asks if nothing is or it is
// old. An error is that of the context or wraps authenticator.ErrUnavailable.
func (p *provider) metadata(ctx context.Context) (*metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	known, due, err := p.state()
	if !due {
		return known, err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if known, due, err = p.state(); !due {
		return known, err
	}
	// A browser that goes away must not fail it for those who wait.
	found, err := p.discover(context.WithoutCancel(ctx), known)
	p.mu.Lock()
	p.tried, p.err = p.options.Now(), err
	if err == nil {
		p.known, p.read = found, p.tried
	}
	p.mu.Unlock()
	if err != nil && known != nil {
		p.options.Log.WarnContext(ctx, "identity provider does not tell about itself; what it said last still counts",
			slog.String("issuer", p.options.Issuer), slog.Any("error", err))
	}
	known, _, err = p.state()
	return known, err
}

// state returns what there is, and whether to ask. Old metadata is better than
// none, so there is an error only without any.
func (p *provider) state() (known *metadata, due bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.options.Now()
	due = (p.known == nil || now.Sub(p.read) > fresh) && (p.tried.IsZero() || now.Sub(p.tried) >= pause)
	if p.known == nil {
		err = p.err
	}
	return p.known, due, err
}

func (p *provider) discover(ctx context.Context, before *metadata) (*metadata, error) {
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, p.options.HTTP), p.options.Issuer)
	if err != nil {
		var failed *url.Error
		if !errors.As(err, &failed) {
			// It may hold a whole page of somebody else.
			err = errors.New(codeflow.Told(err.Error(), maxCause))
		}
		return nil, codeflow.Unavailable("reading the metadata of the provider", err)
	}
	m := new(metadata)
	if err = found.Claims(m); err == nil {
		err = m.check(p.options.Issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: metadata of the provider: %w", authenticator.ErrUnavailable, err)
	}
	if before != nil && before.KeysURL == m.KeysURL {
		m.keys = before.keys
		return m, nil
	}
	m.keys, err = jwks.New(jwks.Options{URL: m.KeysURL, Client: p.options.HTTP, Now: p.options.Now, Log: p.options.Log})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
	}
	return m, nil
}

// check refuses metadata that would send secrets over a worse line than the
// metadata came by.
func (m *metadata) check(issuer string) error {
	secure := len(issuer) > 5 && issuer[:6] == "https:"
	for name, address := range map[string]string{
		"authorization_endpoint": m.AuthorizeURL, "token_endpoint": m.TokenURL, "jwks_uri": m.KeysURL,
		"userinfo_endpoint": m.UserInfoURL, "end_session_endpoint": m.EndSessionURL,
	} {
		if address == "" {
			if name == "userinfo_endpoint" || name == "end_session_endpoint" {
				continue
			}
			return fmt.Errorf("it has no %s", name)
		}
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && (secure || parsed.Scheme != "http") {
			return fmt.Errorf("its %s is no https address", name)
		}
	}
	return nil
}

// client is the hub as this provider knows it.
func (a *Authenticator) client(m *metadata) codeflow.Client {
	o := a.options
	client := codeflow.Client{
		ID: o.ClientID, Secret: o.ClientSecret, AuthorizeURL: m.AuthorizeURL, TokenURL: m.TokenURL,
		Scopes: o.Scopes, TokenAuth: o.TokenAuth, HTTP: o.HTTP,
	}
	// Without a word about it a provider takes Basic (Discovery, section 3).
	if o.TokenAuth == "" && len(m.TokenAuth) > 0 && !slices.Contains(m.TokenAuth, "client_secret_basic") {
		client.TokenAuth = codeflow.Post
	}
	return client
}

// Watch asks the provider who it is until it answers, and logs when it does not and
// when it does again: an operator who starts a hub wants to hear it before the
// first person cannot log in. It returns when it knows, or with the context.
func (a *Authenticator) Watch(ctx context.Context) {
	for failed := false; ; failed = true {
		m, err := a.provider.metadata(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if failed {
				a.log.InfoContext(ctx, "identity provider is there; people can log in", slog.String("issuer", a.options.Issuer))
			}
			a.remark(ctx, m)
			return
		case !failed:
			a.log.ErrorContext(ctx, "identity provider is out of reach; nobody can log in by it until it is back",
				slog.String("issuer", a.options.Issuer), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(patience):
		}
	}
}

// remark logs what is configured and the provider cannot do.
func (a *Authenticator) remark(ctx context.Context, m *metadata) {
	if a.options.ProviderLogout && m.EndSessionURL == "" {
		a.log.WarnContext(ctx, "provider_logout has no effect: the provider announces no end_session_endpoint; perhaps it has an address for logout_redirect_url",
			slog.String("issuer", a.options.Issuer))
	}
	if a.options.UserInfo && m.UserInfoURL == "" {
		a.log.WarnContext(ctx, "userinfo has no effect: the provider announces no userinfo_endpoint", slog.String("issuer", a.options.Issuer))
	}
}
