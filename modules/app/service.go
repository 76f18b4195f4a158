package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Service is a program that uses the hub. With a command the hub runs it: starts
// it, starts it again when it ends, and stops it with the hub. Several nodes
// over one store run it on one of them.
type Service struct {
	// Name, which is part of its path /services/NAME/.
	Name string `json:"name"`
	// APIToken is its token, at least 8 characters. Take it from {env.X} or
	// {file.X}. Default: a service with a command gets a new one at each start,
	// in JUPYTERHUB_API_TOKEN; others have none.
	APIToken string `json:"api_token,omitempty"`
	// URL is the origin the service listens at; it is then routed at
	// /services/NAME/. Default: not routed.
	URL string `json:"url,omitempty"`
	// Public lets every request through to the URL as it came: nobody has to log in,
	// and the service gets no identity but finds out itself who is there, as behind
	// JupyterHub's proxy. Default: only who has access:services for it gets there,
	// and the service is told who it is.
	Public bool `json:"public,omitempty"`
	// Admin gives the service the role "admin".
	Admin bool `json:"admin,omitempty"`
	// Display shows the service in the menu of pages, to those who may open it.
	// Default: true.
	Display *bool `json:"display,omitempty"`
	// Info is any JSON object; the API tells it. In a Caddyfile each "info KEY
	// VALUE" sets one field.
	Info map[string]json.RawMessage `json:"info,omitempty"`

	// OAuthClientID begins with "service-". Default: service-NAME.
	OAuthClientID string `json:"oauth_client_id,omitempty"`
	// OAuthRedirectURI is compared exactly. Default:
	// /services/NAME/oauth_callback.
	OAuthRedirectURI string `json:"oauth_redirect_uri,omitempty"`
	// OAuthClientAllowedScopes is what the service may ask of a user, beside
	// access to itself.
	OAuthClientAllowedScopes []string `json:"oauth_client_allowed_scopes,omitempty"`
	// OAuthNoConfirm logs users in without the page that asks them.
	OAuthNoConfirm bool `json:"oauth_no_confirm,omitempty"`

	// Command is the program to run and its arguments; no shell is involved, and
	// whoever may read services through the API can see it. Default: the service
	// runs somewhere else.
	Command []string `json:"command,omitempty"`
	// Cwd is the working directory of the command. Default: the hub's.
	Cwd string `json:"cwd,omitempty"`
	// Environment is added to what JupyterHub gives to services. Values may be
	// {env.X} or {file.X}, which never reach the log. Of the hub's own variables
	// the command gets few, such as PATH.
	Environment map[string]string `json:"environment,omitempty"`
	// User is the system account that the command runs as, which takes a hub that
	// runs as root. Default: the hub's own.
	User string `json:"user,omitempty"`
}

func (s Service) name() string { return s.Name }

// CheckInterval is a duration, or "off".
type CheckInterval string

// defaultCheckInterval is JupyterHub's.
const defaultCheckInterval = time.Minute

// interval is how often to check; zero for never. The text has been checked.
func (c CheckInterval) interval() time.Duration {
	switch c {
	case "":
		return defaultCheckInterval
	case "off":
		return 0
	}
	span, _ := words.ParseDuration(string(c)) // UnmarshalJSON has checked it
	return time.Duration(span)
}

// UnmarshalJSON takes what a Caddyfile takes.
func (c *CheckInterval) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("service_check_interval is a string, such as \"60s\" or \"off\", not %s", data)
	}
	parsed, err := parseCheckInterval(text)
	*c = parsed
	return err
}

func parseCheckInterval(text string) (CheckInterval, error) {
	if text != "off" && text != "" {
		if _, err := words.ParseDuration(text); err != nil {
			return "", fmt.Errorf("service_check_interval: %w; or \"off\"", err)
		}
	}
	return CheckInterval(text), nil
}

func (a *App) parseServiceCheckInterval(d *caddyfile.Dispenser) error {
	text, err := words.Text(d)
	if err != nil {
		return err
	}
	if a.ServiceCheckInterval, err = parseCheckInterval(text); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (a *App) parseService(d *caddyfile.Dispenser) error {
	var service Service
	err := a.named(d, "service", &service.Name, namesOf(a.Services, Service.name), map[string]words.Word{
		"api_token": words.ToText(&service.APIToken),
		"url":       words.ToText(&service.URL),
		"public":    words.ToTrue(&service.Public),
		"admin":     words.ToTrue(&service.Admin),
		"display":   words.ToSwitch(&service.Display),
		"info": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a key and a value", &service.Info, jsonOrText)
		}),
		"oauth_client_id":             words.ToText(&service.OAuthClientID),
		"oauth_redirect_uri":          words.ToText(&service.OAuthRedirectURI),
		"oauth_client_allowed_scopes": a.noted(&service.OAuthClientAllowedScopes, "service", &service.Name, "scope"),
		"oauth_no_confirm":            words.ToTrue(&service.OAuthNoConfirm),
		"command": words.Once(func(d *caddyfile.Dispenser) (err error) {
			service.Command, err = words.Texts(d)
			return err
		}),
		"cwd": words.ToText(&service.Cwd),
		"environment": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a name and a value", &service.Environment, words.Plain)
		}),
		"user": words.ToText(&service.User),
	})
	a.Services = append(a.Services, service)
	return err
}

// configured is what identity and OAuth know of the service.
func (s Service) configured() identity.ConfiguredService {
	configured := identity.ConfiguredService{APIToken: s.APIToken, Service: identity.Service{
		Name: s.Name, Admin: s.Admin, URL: s.URL, Public: s.Public, Command: s.Command,
		OAuthClientID: s.OAuthClientID, OAuthRedirectURI: s.OAuthRedirectURI,
		OAuthClientAllowedScopes: s.OAuthClientAllowedScopes, OAuthNoConfirm: s.OAuthNoConfirm,
		Hidden: s.Display != nil && !*s.Display,
	}}
	if s.Info != nil {
		configured.Info, _ = json.Marshal(s.Info) // raw JSON always encodes
	}
	return configured
}

// managed is how services with a command are run.
func (a *App) managed() map[string]hub.Managed {
	managed := make(map[string]hub.Managed)
	for _, service := range a.Services {
		if len(service.Command) == 0 {
			continue
		}
		run := hub.Managed{Dir: service.Cwd, User: service.User, Environment: make(map[string]string)}
		for _, name := range slices.Sorted(maps.Keys(service.Environment)) {
			value, secret := expandSecret(service.Environment[name])
			run.Environment[name] = value
			if secret {
				run.Secrets = append(run.Secrets, value)
			}
		}
		managed[service.Name] = run
	}
	return managed
}

// expandSecret replaces {env.X} and {file.X}; secret says whether there was any.
func expandSecret(text string) (value string, secret bool) {
	value = caddy.NewReplacer().ReplaceAll(text, "")
	return value, value != text
}

// expandSecrets replaces placeholders in the tokens of services.
func (a *App) expandSecrets() {
	for i := range a.Services {
		a.Services[i].APIToken, _ = expandSecret(a.Services[i].APIToken)
	}
}
