package app

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// parseSubdomains reads the host below which users have theirs.
func (a *App) parseSubdomains(d *caddyfile.Dispenser) error {
	text, err := words.Text(d)
	if err != nil {
		return err
	}
	if _, err := subdomain.Parse(text, nil); err != nil {
		return d.Errf("subdomains: %v", err)
	}
	a.Subdomains = text
	return nil
}

// checkSubdomains says what is wrong with subdomains before anything is served.
func (a *App) checkSubdomains(public *url.URL) error {
	if a.Subdomains == "" {
		return nil
	}
	if _, err := subdomain.Parse(a.Subdomains, public); err != nil {
		return fmt.Errorf("caddyhub: subdomains: %w", err)
	}
	return nil
}

// applySubdomains puts the hosts of users and services into the settings. The hub
// is at the domain itself if nothing says where it is.
func (a *App) applySubdomains(settings *hub.Settings) error {
	if a.Subdomains == "" {
		return nil
	}
	if settings.PublicURL == nil {
		alone, err := subdomain.Parse(a.Subdomains, nil)
		if err != nil {
			return fmt.Errorf("caddyhub: subdomains: %w", err)
		}
		public, err := url.Parse(alone.Origin(alone.Host()))
		if err != nil {
			return fmt.Errorf("caddyhub: subdomains: %w", err)
		}
		settings.PublicURL = public
	}
	domain, err := subdomain.Parse(a.Subdomains, settings.PublicURL)
	if errors.Is(err, subdomain.ErrScheme) {
		return fmt.Errorf("caddyhub: subdomains: %w; set public_url to where the hub is", err)
	}
	if err != nil {
		return fmt.Errorf("caddyhub: subdomains: %w", err)
	}
	settings.Domain = domain
	if settings.PublicURL.Scheme != "https" {
		a.log.Warn("subdomains without TLS: browsers cannot keep cookies of the hub apart from those that pages on hosts of users set")
	}
	return nil
}
