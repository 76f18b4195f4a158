package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// settingsBase is what can be read out of the configuration alone.
type settingsBase struct {
	base        hubpath.Base
	public      *url.URL
	api         *url.URL
	definitions *scope.Definitions
}

// parseSettings checks everything that needs nothing but the configuration.
func (a *App) parseSettings() (settingsBase, error) {
	var (
		parsed settingsBase
		err    error
	)
	a.expandSecrets()
	if parsed.base, err = hubpath.ParseBase(a.BaseURL); err != nil {
		return parsed, fmt.Errorf("caddyhub: base_url: %w", err)
	}
	if parsed.public, err = parseOrigin("public_url", a.PublicURL); err != nil {
		return parsed, err
	}
	if err = a.checkSubdomains(parsed.public); err != nil {
		return parsed, err
	}
	if parsed.api, err = parseOrigin("api_url", a.APIURL); err != nil {
		return parsed, err
	}
	var problems []problem
	if parsed.definitions, problems = a.check(); len(problems) > 0 {
		return parsed, joined(problems)
	}
	if _, err = authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "check", Authenticator: nobody{}}}, Rules: a.rules(),
	}); err != nil {
		return parsed, fmt.Errorf("caddyhub: %w", err)
	}
	return parsed, errors.Join(a.checkLimits(), a.checkLoginLimits(), a.checkServers(), a.checkCull())
}

func parseOrigin(word, text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	origin, err := url.Parse(text)
	if err != nil || origin.Scheme != "http" && origin.Scheme != "https" || origin.Host == "" ||
		origin.User != nil || strings.Trim(origin.Path, "/") != "" || origin.RawQuery != "" || origin.Fragment != "" {
		return nil, fmt.Errorf("caddyhub: %s %q is not an origin; write scheme and host, such as https://hub.example.org", word, text)
	}
	return &url.URL{Scheme: origin.Scheme, Host: origin.Host}, nil
}

func (a *App) checkLimits() error {
	if l := a.Limits; l != nil && (l.APIPageDefaultLimit < 0 || l.APIPageMaxLimit < 0) {
		return errors.New("caddyhub: limits: api_page_default_limit and api_page_max_limit must not be negative")
	}
	return nil
}

func (a *App) rules() authenticator.Rules {
	return authenticator.Rules{
		AllowAll: a.AllowAll, Allow: a.Allow, AllowGroups: a.AllowGroups, AllowExisting: a.AllowExistingUsers,
		Admins: a.Admins, Blocked: a.Blocked,
		UsernamePattern: a.UsernamePattern, UsernameMap: a.UsernameMap,
	}
}

// settings builds everything else; it may read files.
func (a *App) settings() (hub.Settings, error) {
	settings := hub.Settings{
		Base:        a.base.base,
		PublicURL:   a.base.public,
		DefaultURL:  a.DefaultURL,
		Rules:       a.rules(),
		LoginLimits: a.loginLimits(),
		Managed:     a.managed(),
		Identity:    identity.Settings{Definitions: a.base.definitions, Sessions: a.sessionLimits()},
	}
	if settings.PublicURL == nil {
		settings.PublicURL = a.publicURL()
	}
	if err := a.applySubdomains(&settings); err != nil {
		return settings, err
	}
	if err := a.applyApps(&settings); err != nil {
		return settings, err
	}
	settings.Refresh = a.refresh()
	settings.ServiceCheckInterval = a.ServiceCheckInterval.interval()
	if a.Token != nil {
		settings.Tokens.MaxLifetime = time.Duration(a.Token.MaxLifetime)
		settings.Tokens.OAuthLifetime = time.Duration(a.Token.OAuthLifetime)
	}
	if a.Limits != nil {
		settings.Pagination = hub.Pagination{DefaultLimit: a.Limits.APIPageDefaultLimit, MaxLimit: a.Limits.APIPageMaxLimit}
	}
	settings.Exit = a.exit
	settings.Configuration = a.configuration()
	for _, named := range a.authenticators {
		made, err := named.module.Authenticator(a.log)
		if err != nil {
			return settings, fmt.Errorf("caddyhub: authenticator %s: %w", named.name, err)
		}
		settings.Authenticators = append(settings.Authenticators, authenticator.Named{Name: named.name, Authenticator: made})
	}
	settings.AuthenticatorName, settings.SpawnerName = a.authenticators[0].name, a.spawnerName
	var err error
	if settings.Servers, err = a.serverSettings(settings); err != nil {
		return settings, err
	}
	settings.Pages, err = a.pageOptions(settings)
	return settings, err
}

func (a *App) sessionLimits() identity.SessionLimits {
	if a.Session == nil {
		return identity.SessionLimits{}
	}
	return identity.SessionLimits{
		Idle: time.Duration(a.Session.IdleTimeout), Lifetime: time.Duration(a.Session.MaxLifetime),
	}
}

func (a *App) refresh() hub.Refresh {
	if a.Session == nil {
		return hub.Refresh{}
	}
	return hub.Refresh{
		Every: time.Duration(a.Session.Refresh), Grace: time.Duration(a.Session.RefreshGrace),
		BeforeStart: a.Session.RefreshPreSpawn,
	}
}

func (a *App) configuration() identity.Configuration {
	var c identity.Configuration
	for _, name := range a.Admins {
		c.Admins = append(c.Admins, authenticator.Canonical(name))
	}
	for _, role := range a.Roles {
		c.Roles = append(c.Roles, identity.ConfiguredRole{
			Role:  identity.Role{Name: role.Name, Description: role.Description, Scopes: role.Scopes},
			Users: canonical(role.Users), Groups: role.Groups, Services: role.Services,
		})
	}
	for _, group := range a.Groups {
		configured := identity.ConfiguredGroup{Name: group.Name, Users: canonical(group.Users)}
		if group.Properties != nil {
			configured.Properties, _ = json.Marshal(group.Properties) // raw JSON always encodes
		}
		c.Groups = append(c.Groups, configured)
	}
	for _, service := range a.Services {
		c.Services = append(c.Services, service.configured())
	}
	return c
}

func canonical(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = authenticator.Canonical(name)
	}
	return list
}

func (a *App) serverSettings(settings hub.Settings) (server.Settings, error) {
	made, err := a.spawner.Spawner(a.log)
	if err != nil {
		return server.Settings{}, fmt.Errorf("caddyhub: spawner: %w", err)
	}
	s := server.Settings{Spawner: made, Base: settings.Base, APIURL: a.apiURL(settings)}
	if settings.PublicURL != nil {
		s.PublicURL = settings.PublicURL.String()
	}
	if a.Limits != nil {
		s.Limits = server.Limits{ConcurrentSpawns: a.Limits.ConcurrentSpawns, ActiveServers: a.Limits.ActiveServers}
	}
	if a.NamedServers != nil {
		s.Named = server.NamedServers{Enabled: true, LimitPerUser: a.NamedServers.LimitPerUser}
	}
	if c := a.Servers; c != nil {
		err = c.apply(&s)
	}
	return s, err
}

// apply puts what is configured for every server into the settings.
func (s *Servers) apply(to *server.Settings) error {
	to.Timeouts = server.Timeouts{
		Start: time.Duration(s.StartTimeout), HTTP: time.Duration(s.HTTPTimeout), Poll: time.Duration(s.PollInterval),
	}
	to.Launch = server.Launch{
		Environment: s.Environment, DefaultURL: s.DefaultURL, NotebookDir: s.NotebookDir,
		AllowedScopes: s.OAuthClientAllowedScopes, TokenScopes: s.TokenScopes,
	}
	to.GroupOverrides = s.groupOverrides()
	html, err := s.optionsHTML()
	if err != nil {
		return err
	}
	if to.UserOptions, err = s.form(html); err != nil {
		return err
	}
	to.Launch.Resources, err = s.limits()
	return err
}

// apiURL is what JUPYTERHUB_API_URL becomes.
func (a *App) apiURL(settings hub.Settings) string {
	origin := a.base.api
	if origin == nil {
		origin = settings.PublicURL
	}
	if origin == nil {
		origin = a.localURL()
	}
	if origin == nil {
		a.log.Warn("single-user servers cannot be told how to reach the hub: set public_url, or api_url to an address such as http://127.0.0.1:8081")
		return ""
	}
	return origin.String() + settings.Base.Hub("api")
}

func (a *App) pageOptions(settings hub.Settings) (page.Options, error) {
	options := page.Options{HubURL: settings.Base.Hub(""), Log: a.log}
	if !settings.Domain.IsZero() {
		options.FormAction = append(options.FormAction, settings.Domain.Origin("*."+settings.Domain.Host()))
	}
	options.FormAction = append(options.FormAction, a.appOrigins...)
	if a.Pages == nil {
		return options, nil
	}
	options.Title = a.Pages.Title
	options.Announcement = template.HTML(a.Pages.Announcement)
	if a.Pages.Templates != "" {
		options.Override = os.DirFS(a.Pages.Templates)
	}
	if a.Pages.Logo != "" {
		logo, err := os.ReadFile(a.Pages.Logo)
		if err != nil {
			return options, fmt.Errorf("caddyhub: logo: %w", err)
		}
		options.Logo = logo
	}
	return options, nil
}
