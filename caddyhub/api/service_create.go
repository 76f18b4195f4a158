package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrService says that a service cannot be an OAuth client as it was asked for.
var ErrService = errors.New("api: service")

// serviceTypes are the keys of a service in a request (section 1.7).
var serviceTypes = map[string]pythonType{
	"name": typeStr, "admin": typeBool, "url": typeStr, "oauth_client_allowed_scopes": typeList,
	"api_token": typeStr, "info": typeDict, "display": typeBool, "oauth_no_confirm": typeBool,
	"command": typeList, "cwd": typeStr, "environment": typeDict, "user": typeStr,
	"oauth_client_id": typeStr, "oauth_redirect_uri": typeStr,
}

// createService creates a service that lives until it is deleted here, on all
// nodes: with its token, its OAuth client and its route, or not at all.
func createService(c *call) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	if _, err := c.options.Directory.Service(c.r.Context(), c.service); err == nil {
		return serviceExists(c.service)
	} else if !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	model, is := value.(map[string]any)
	if !is || len(model) == 0 {
		return badRequest("Invalid service data")
	}
	if len(c.body) > maxVerbatim {
		return badRequest("Service data must not be longer than %d bytes", maxVerbatim)
	}
	model["name"] = c.service
	if err := checkModel("service", model, serviceTypes); err != nil {
		return err
	}
	service, token, err := c.serviceOf(model)
	if err != nil {
		return err
	}
	where, err := c.routeOf(service)
	if err != nil {
		return err
	}
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		return c.addService(w, service, token, where)
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "service created", "service", c.service, "admin", service.Admin,
		"routed", service.URL != "", "by", c.identity.Name())
	if err := c.applyRoute(where.Spec); err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.serviceModel(service))
}

func serviceExists(name string) error {
	return refuse(http.StatusConflict, "Service %s already exists", authenticator.ForLog(name))
}

func (c *call) serviceFailed() error {
	return badRequest("Failed to create service %s", authenticator.ForLog(c.service))
}

// serviceOf reads the service that is asked for, whose types are right.
func (c *call) serviceOf(model map[string]any) (service identity.Service, token string, err error) {
	var allowed []string
	if value, given := model["oauth_client_allowed_scopes"]; given {
		var ok bool
		if allowed, ok = texts(value); !ok || len(allowed) > maxScopes {
			return service, "", badRequest("oauth_client_allowed_scopes must be a list of strings, not %s", repr(value))
		}
	}
	service = identity.Service{Name: c.service, OAuthClientAllowedScopes: allowed}
	service.Admin, _ = model["admin"].(bool)
	service.OAuthNoConfirm, _ = model["oauth_no_confirm"].(bool)
	if err := c.checkServiceScopes(service); err != nil {
		return service, "", err
	}
	if !empty(model["command"]) {
		return service, "", badRequest("Can not create managed service %s at runtime", authenticator.ForLog(c.service))
	}
	service.URL, _ = model["url"].(string)
	service.OAuthClientID, _ = model["oauth_client_id"].(string)
	service.OAuthRedirectURI, _ = model["oauth_redirect_uri"].(string)
	if !possibleClient(service) {
		return service, "", c.serviceFailed()
	}
	if display, given := model["display"].(bool); given {
		service.Hidden = !display
	}
	if info, given := model["info"]; given {
		if service.Info, err = json.Marshal(info); err != nil {
			return service, "", err
		}
	}
	token, _ = model["api_token"].(string)
	return service, token, nil
}

// possibleClient says whether a service can be the OAuth client that it is said
// to be: users must be sent back somewhere, and clients of services have names of
// their own.
func possibleClient(service identity.Service) bool {
	if service.OAuthClientID == "" && !service.OAuthNoConfirm {
		return true
	}
	return (service.URL != "" || service.OAuthRedirectURI != "") &&
		(service.OAuthClientID == "" || strings.HasPrefix(service.OAuthClientID, "service-"))
}

// checkServiceScopes refuses a service that could do more than its creator.
// Scopes that stand for what is the visitor's own are judged by the creator's
// own, if the visitor is asked; else they stand for those of everybody.
func (c *call) checkServiceScopes(service identity.Service) error {
	wanted := slices.Clone(service.OAuthClientAllowedScopes)
	if service.Admin {
		wanted = append(wanted, adminScopes()...)
	}
	definitions := c.options.Directory.Definitions()
	for _, text := range wanted {
		if _, err := definitions.Parse(text); err != nil {
			return badRequest("Scope '%s' for service does not exist", authenticator.ForLog(text))
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if service.OAuthNoConfirm {
		wanted = ofEverybody(definitions, wanted)
	}
	wanted = slices.DeleteFunc(wanted, func(text string) bool { return text == scope.Inherit })
	expanded, _, err := definitions.Expand(wanted, scope.Owner{User: c.identity.Owner.User, Service: c.identity.Owner.Service})
	if err != nil {
		return badRequest("%s", shorten(err.Error()))
	}
	missing := expanded.Missing(c.scopes, c.groups.of)
	if c.groups.err != nil {
		return c.groups.err
	}
	if len(missing) > 0 {
		return badRequest("Not assigning requested scopes %s not held by %s %s",
			shorten(strings.Join(missing, ",")), c.callerKind(), c.identity.Name())
	}
	return nil
}

// ofEverybody replaces scopes that stand for what is the visitor's own by those
// on everybody.
func ofEverybody(definitions *scope.Definitions, texts []string) (everybody []string) {
	for _, text := range texts {
		parsed, err := definitions.Parse(text)
		switch {
		case text == scope.Inherit:
			everybody = append(everybody, adminScopes()...)
		case text == scope.Self:
			everybody = append(everybody, scope.SelfScopes("visitor").Names()...)
		case err == nil && parsed.Filter.Placeholder():
			everybody = append(everybody, parsed.Name)
		default:
			everybody = append(everybody, text)
		}
	}
	return everybody
}

// routeOf is the route to a service, without a spec if it has none.
func (c *call) routeOf(service identity.Service) (found route.Route, err error) {
	if service.URL == "" {
		return found, nil
	}
	if found.Spec, err = c.serviceSpec(); err != nil {
		return found, err
	}
	found.Target, err = route.ParseTarget(service.URL)
	if err != nil || found.Spec.IsZero() {
		return route.Route{}, c.serviceFailed()
	}
	found.Data.Service = service.Name
	return found, nil
}

// addService writes all that makes a service.
func (c *call) addService(w store.Writer, service identity.Service, token string, where route.Route) error {
	if _, err := identity.GetService(w, service.Name); err == nil {
		return serviceExists(service.Name)
	} else if !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	err := c.options.Directory.CreateService(w, service, token)
	switch {
	case errors.Is(err, identity.ErrExists), errors.Is(err, identity.ErrName), errors.Is(err, identity.ErrSecret):
		return c.serviceFailed()
	case err != nil:
		return err
	}
	if c.options.RegisterService != nil {
		err := c.options.RegisterService(w, service, token)
		if errors.Is(err, ErrService) {
			return c.serviceFailed()
		}
		if err != nil {
			return err
		}
	}
	if where.Spec.IsZero() {
		return nil
	}
	return route.Put(w, where)
}
