package app

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// problem is something wrong with roles, groups, services or custom scopes, and
// the place of it, see places.
type problem struct {
	at  string
	err error
}

func problemf(at, format string, args ...any) problem {
	return problem{at, fmt.Errorf("caddyhub: "+format, args...)}
}

func joined(problems []problem) error {
	var list []error
	for _, p := range problems {
		list = append(list, p.err)
	}
	return errors.Join(list...)
}

// places are where the names and texts of a Caddyfile stand that can be checked
// only once all of it has been read.
type places map[string]caddyfile.Token

func place(parts ...string) string { return strings.Join(parts, "\x00") }

// note remembers where the token that the dispenser is on stands.
func (a *App) note(d *caddyfile.Dispenser, parts ...string) {
	if a.places == nil {
		a.places = make(places)
	}
	a.places[place(parts...)] = d.Token()
}

// named is the function named for things whose places are remembered.
func (a *App) named(d *caddyfile.Dispenser, what string, name *string, before []string, known map[string]words.Word) error {
	if d.NextArg() {
		a.note(d, what, d.Val())
		d.Prev()
	}
	return named(d, what, name, before, known)
}

// noted is words.ToTexts for texts whose places are remembered: those of a kind
// that belong to the thing of this name.
func (a *App) noted(field *[]string, what string, name *string, kind string) words.Word {
	return words.Many(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		before := len(*field)
		for d.NextArg() {
			*field = append(*field, d.Val())
			a.note(d, what, *name, kind, d.Val())
		}
		if len(*field) == before {
			return d.Errf("%s takes one or more values", word)
		}
		return nil
	})
}

// checkCaddyfile checks what has been read, so that mistakes are told with file
// and line.
func (a *App) checkCaddyfile() error {
	_, problems := a.check()
	for _, p := range problems {
		token, known := a.places[p.at]
		if !known {
			continue
		}
		d := caddyfile.NewDispenser([]caddyfile.Token{token})
		d.Next()
		return d.WrapErr(p.err)
	}
	return joined(problems)
}

// check looks for what is wrong with roles, groups, services and scopes.
func (a *App) check() (*scope.Definitions, []problem) {
	definitions, problems := a.checkCustomScopes()
	if len(problems) > 0 {
		return nil, problems
	}
	return definitions, slices.Concat(a.checkRoles(definitions), a.checkGroups(), a.checkServices(definitions))
}

// checkCustomScopes puts the scopes together that exist.
func (a *App) checkCustomScopes() (*scope.Definitions, []problem) {
	var problems []problem
	custom := make(map[string]scope.Custom)
	for _, configured := range a.CustomScopes {
		if _, given := custom[configured.Name]; given {
			problems = append(problems, problemf(place("custom_scope", configured.Name), "custom_scope %q is given twice", configured.Name))
		}
		custom[configured.Name] = scope.Custom{Description: configured.Description, Subscopes: configured.Subscopes}
	}
	definitions, err := scope.NewDefinitions(custom)
	if err == nil {
		return definitions, problems
	}
	// Errors name their scope; the place is that of the first one with any.
	at := ""
	for _, configured := range a.CustomScopes {
		if at == "" && strings.Contains(err.Error(), fmt.Sprintf("%q: ", configured.Name)) {
			at = place("custom_scope", configured.Name)
		}
	}
	return nil, append(problems, problemf(at, "custom_scope: %w", err))
}

// roleName is JupyterHub's rule for names of roles.
var roleName = regexp.MustCompile(`^[a-z][a-z0-9\-_~\.]{1,253}[a-z0-9]$`)

func (a *App) checkRoles(definitions *scope.Definitions) (problems []problem) {
	services := make(map[string]bool)
	for _, service := range a.Services {
		services[service.Name] = true
	}
	seen := make(map[string]bool)
	for _, role := range a.Roles {
		at := place("role", role.Name)
		switch {
		case !roleName.MatchString(role.Name):
			problems = append(problems, problemf(at, "role %q: a name has 3 to 255 lower-case letters, digits and -_~., begins with a letter and ends with a letter or digit", role.Name))
		case role.Name == scope.AdminRole && len(role.Scopes) > 0:
			problems = append(problems, problemf(at, "the scopes of the role \"admin\" cannot be changed; give another role the scopes"))
		case seen[role.Name]:
			problems = append(problems, problemf(at, "role %q is given twice", role.Name))
		}
		seen[role.Name] = true
		problems = append(problems, checkScopes(definitions, "role", role.Name, role.Scopes)...)
		for _, name := range role.Services {
			if !services[name] {
				problems = append(problems, problemf(place("role", role.Name, "service", name),
					"role %q: there is no service %q; add a service block with that name", role.Name, name))
			}
		}
	}
	return problems
}

func checkScopes(definitions *scope.Definitions, what, name string, scopes []string) (problems []problem) {
	for _, text := range scopes {
		if err := definitions.Validate([]string{text}); err != nil {
			problems = append(problems, problemf(place(what, name, "scope", text), "%s %q: %w", what, name, err))
		}
	}
	return problems
}

func (a *App) checkGroups() (problems []problem) {
	seen := make(map[string]bool)
	for _, group := range a.Groups {
		if group.Name == "" {
			problems = append(problems, problemf("", "there is a group without a name"))
		}
		if seen[group.Name] {
			problems = append(problems, problemf(place("group", group.Name), "group %q is given twice", group.Name))
		}
		seen[group.Name] = true
	}
	return problems
}

func (a *App) checkServices(definitions *scope.Definitions) (problems []problem) {
	seen := make(map[string]bool)
	for _, service := range a.Services {
		at := place("service", service.Name)
		if seen[service.Name] {
			problems = append(problems, problemf(at, "service %q is given twice", service.Name))
		}
		seen[service.Name] = true
		for _, err := range service.mistakes() {
			problems = append(problems, problemf(at, "service %q: %w", service.Name, err))
		}
		problems = append(problems, checkScopes(definitions, "service", service.Name, service.OAuthClientAllowedScopes)...)
	}
	return problems
}

// mistakes are what is wrong with one service alone.
func (s Service) mistakes() (mistakes []error) {
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if s.Name == "" || strings.Contains(s.Name, "/") {
		wrong("a name has no slash and is not empty")
	}
	if token := s.APIToken; token != "" && len(token) < identity.MinTokenLength && !strings.Contains(token, "{") {
		wrong("api_token is shorter than %d characters", identity.MinTokenLength)
	}
	if s.URL != "" {
		origin, err := url.Parse(s.URL)
		if err != nil || origin.Scheme != "http" && origin.Scheme != "https" || origin.Host == "" || origin.User != nil ||
			strings.Trim(origin.Path, "/") != "" || origin.RawQuery != "" || origin.Fragment != "" {
			wrong("url %q is not an origin; write scheme, host and port, such as http://127.0.0.1:9000", s.URL)
		}
	}
	if s.Public && s.URL == "" {
		wrong("public is for a service with a url")
	}
	if s.OAuthClientID != "" && !strings.HasPrefix(s.OAuthClientID, "service-") {
		wrong("oauth_client_id %q does not begin with \"service-\"", s.OAuthClientID)
	}
	if s.URL == "" && s.OAuthRedirectURI == "" && (s.OAuthClientID != "" || s.OAuthNoConfirm) {
		wrong("without url it needs an oauth_redirect_uri to log users in")
	}
	if len(s.Command) == 0 && (s.Cwd != "" || s.User != "" || len(s.Environment) > 0) {
		wrong("cwd, user and environment are for a service with a command")
	}
	if len(s.Command) > 0 && s.Command[0] == "" {
		wrong("the command is empty")
	}
	if err := spawner.ValidateEnvironment(s.Environment); err != nil {
		wrong("environment: %w", err)
	}
	return mistakes
}
