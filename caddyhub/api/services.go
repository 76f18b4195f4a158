package api

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// serviceEndpoints are those of section 1.7.
func (a *API) serviceEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/services", permit{who: listing, scopes: []string{"list:services"}}, listServices},
		{http.MethodGet, "/services/{service}", need(onService, "read:services", "read:services:name", "read:roles:services"), getService},
		{http.MethodPost, "/services/{service}", need(onService, "admin:services"), createService},
		{http.MethodDelete, "/services/{service}", need(onService, "admin:services"), deleteService},
	}
}

// listServices lists the services that the caller's list:services reaches, by
// name.
func listServices(c *call) error {
	services, err := c.options.Directory.Services(c.r.Context())
	if err != nil {
		return err
	}
	models := make(map[string]any)
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		clear(models)
		for _, service := range services {
			if !c.may("list:services", scope.OnService(service.Name)) {
				continue
			}
			if models[service.Name], err = c.serviceModelIn(r, service); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, models)
}

func getService(c *call) error {
	var model map[string]any
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		service, err := identity.GetService(r, c.service)
		if err != nil {
			return err
		}
		model, err = c.serviceModelIn(r, service)
		return err
	})
	if errors.Is(err, identity.ErrNotFound) {
		return refuse(http.StatusNotFound, "No such service: %s", authenticator.ForLog(c.service))
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, model)
}

// deleteService removes a service that was created here, with its route, its
// tokens and every token that users gave it. The configuration owns the others.
func deleteService(c *call) error {
	spec, err := c.serviceSpec()
	if err != nil {
		return err
	}
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		service, err := identity.GetService(w, c.service)
		switch {
		case errors.Is(err, identity.ErrNotFound):
			return refuse(http.StatusNotFound, "Service %s does not exist", authenticator.ForLog(c.service))
		case err != nil:
			return err
		case service.Configured:
			return refuse(http.StatusMethodNotAllowed, "Service %s is not modifiable at runtime", c.service)
		}
		if err := c.options.Directory.DeleteService(w, c.service); err != nil || spec.IsZero() {
			return err
		}
		return route.Delete(w, spec)
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "service deleted", "service", c.service, "by", c.identity.Name())
	if err := c.applyRoute(spec); err != nil {
		return err
	}
	return c.empty(http.StatusOK, typeJSON)
}

// serviceSpec is where the service in the path has its route; zero if none can
// have that name.
func (c *call) serviceSpec() (route.Spec, error) {
	spec, err := route.ParseSpec(c.options.Base.Service(c.service))
	if errors.Is(err, route.ErrInvalid) {
		return route.Spec{}, nil
	}
	return spec, err
}

// applyRoute shows a route or its end on this node at once.
func (c *call) applyRoute(spec route.Spec) error {
	if c.options.Routes == nil || spec.IsZero() {
		return nil
	}
	return c.options.Routes.Apply(c.r.Context(), spec)
}
