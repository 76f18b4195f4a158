package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

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
	if parsed.api, err = parseOrigin("api_url", a.APIURL); err != nil {
		return parsed, err
	}
	if parsed.definitions, err = a.parseScopes(); err != nil {
		return parsed, err
	}
	if _, err = authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "check", Authenticator: nobody{}}}, Rules: a.rules(),
	}); err != nil {
		return parsed, fmt.Errorf("caddyhub: %w", err)
	}
	return parsed, errors.Join(a.checkRoles(parsed.definitions), a.checkGroups(), a.checkServices(), a.checkLimits())
}

// expandSecrets replaces {env.X} and {file.X} in the values that may be secret.
func (a *App) expandSecrets() {
	replacer := caddy.NewReplacer()
	for i := range a.Services {
		a.Services[i].APIToken = replacer.ReplaceAll(a.Services[i].APIToken, "")
	}
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

func (a *App) parseScopes() (*scope.Definitions, error) {
	custom := make(map[string]scope.Custom)
	for _, configured := range a.CustomScopes {
		if _, given := custom[configured.Name]; given {
			return nil, fmt.Errorf("caddyhub: custom_scope %q is given twice", configured.Name)
		}
		custom[configured.Name] = scope.Custom{Description: configured.Description, Subscopes: configured.Subscopes}
	}
	definitions, err := scope.NewDefinitions(custom)
	if err != nil {
		return nil, fmt.Errorf("caddyhub: custom_scope: %w", err)
	}
	return definitions, nil
}

// roleName is JupyterHub's rule for names of roles.
var roleName = regexp.MustCompile(`^[a-z][a-z0-9\-_~\.]{1,253}[a-z0-9]$`)

func (a *App) checkRoles(definitions *scope.Definitions) error {
	var problems []error
	services := make(map[string]bool)
	for _, service := range a.Services {
		services[service.Name] = true
	}
	seen := make(map[string]bool)
	for _, role := range a.Roles {
		switch {
		case !roleName.MatchString(role.Name):
			problems = append(problems, fmt.Errorf("caddyhub: role %q: a name has 3 to 255 lower-case letters, digits and -_~., begins with a letter and ends with a letter or digit", role.Name))
		case role.Name == scope.AdminRole && len(role.Scopes) > 0:
			problems = append(problems, errors.New("caddyhub: the scopes of the role \"admin\" cannot be changed; give another role the scopes"))
		case seen[role.Name]:
			problems = append(problems, fmt.Errorf("caddyhub: role %q is given twice", role.Name))
		}
		seen[role.Name] = true
		if err := definitions.Validate(role.Scopes); err != nil {
			problems = append(problems, fmt.Errorf("caddyhub: role %q: %w", role.Name, err))
		}
		for _, name := range role.Services {
			if !services[name] {
				problems = append(problems, fmt.Errorf("caddyhub: role %q: there is no service %q; add a service block with that name", role.Name, name))
			}
		}
	}
	return errors.Join(problems...)
}

func (a *App) checkGroups() error {
	var problems []error
	seen := make(map[string]bool)
	for _, group := range a.Groups {
		if group.Name == "" {
			problems = append(problems, errors.New("caddyhub: there is a group without a name"))
		}
		if seen[group.Name] {
			problems = append(problems, fmt.Errorf("caddyhub: group %q is given twice", group.Name))
		}
		seen[group.Name] = true
	}
	return errors.Join(problems...)
}

func (a *App) checkServices() error {
	var problems []error
	seen := make(map[string]bool)
	for _, service := range a.Services {
		if service.Name == "" || strings.Contains(service.Name, "/") {
			problems = append(problems, fmt.Errorf("caddyhub: service %q: a name has no slash and is not empty", service.Name))
		}
		if seen[service.Name] {
			problems = append(problems, fmt.Errorf("caddyhub: service %q is given twice", service.Name))
		}
		seen[service.Name] = true
		if token := service.APIToken; token != "" && len(token) < identity.MinTokenLength {
			problems = append(problems, fmt.Errorf("caddyhub: service %q: api_token is shorter than %d characters", service.Name, identity.MinTokenLength))
		}
		if _, err := parseOrigin("url of service "+service.Name, service.URL); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (a *App) checkLimits() error {
	if l := a.Limits; l != nil && (l.APIPageDefaultLimit < 0 || l.APIPageMaxLimit < 0) {
		return errors.New("caddyhub: limits: api_page_default_limit and api_page_max_limit must not be negative")
	}
	return nil
}

func (a *App) rules() authenticator.Rules {
	return authenticator.Rules{
		AllowAll: a.AllowAll, Allow: a.Allow, AllowGroups: a.AllowGroups, Admins: a.Admins, Blocked: a.Blocked,
		UsernamePattern: a.UsernamePattern, UsernameMap: a.UsernameMap,
	}
}

// settings builds everything else; it may read files.
func (a *App) settings() (hub.Settings, error) {
	settings := hub.Settings{
		Base:       a.base.base,
		PublicURL:  a.base.public,
		DefaultURL: a.DefaultURL,
		Rules:      a.rules(),
		Identity:   identity.Settings{Definitions: a.base.definitions, Sessions: a.sessionLimits()},
	}
	if settings.PublicURL == nil {
		settings.PublicURL = a.publicURL()
	}
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
		c.Services = append(c.Services, identity.ConfiguredService{APIToken: service.APIToken, Service: identity.Service{
			Name: service.Name, Admin: service.Admin, URL: service.URL,
			OAuthClientID: service.OAuthClientID, OAuthRedirectURI: service.OAuthRedirectURI,
			OAuthClientAllowedScopes: service.OAuthClientAllowedScopes, OAuthNoConfirm: service.OAuthNoConfirm,
			Hidden: service.Hidden,
		}})
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
		s.Timeouts = server.Timeouts{
			Start: time.Duration(c.StartTimeout), HTTP: time.Duration(c.HTTPTimeout), Poll: time.Duration(c.PollInterval),
		}
		s.Launch = server.Launch{
			Environment: c.Environment, DefaultURL: c.DefaultURL, NotebookDir: c.NotebookDir,
			AllowedScopes: c.OAuthClientAllowedScopes, TokenScopes: c.TokenScopes,
		}
	}
	return s, nil
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
