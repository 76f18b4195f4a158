// Package adminapi is the module admin.api.caddyhub: what operators ask a
// running hub through Caddy's admin endpoint. Whoever reaches that endpoint may
// reconfigure Caddy, so there are no further credentials here.
package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/modules/app"
)

func init() {
	caddy.RegisterModule(new(Admin))
}

// Admin adds /caddyhub/ to the admin endpoint:
//
//	POST /caddyhub/token        {"user", "note", "expires_in", "scopes"} -> {"token", "id"}
//	POST /caddyhub/keys/rotate  puts a new key into force -> 204
//	POST /caddyhub/logins/forgive  {"user", "remote", "all"} -> {"waited"}: forgets failed logins
//	GET  /caddyhub/health       200 if the hub serves and is in touch with its store, else 503
type Admin struct {
	ctx caddy.Context
}

// CaddyModule returns the Caddy module information.
func (*Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.caddyhub", New: func() caddy.Module { return new(Admin) }}
}

// Provision remembers where to look for the hub: the endpoint is made before
// the apps are.
func (a *Admin) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	return nil
}

// Routes are the routes of this module.
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/caddyhub/token", Handler: a.post(a.token)},
		{Pattern: "/caddyhub/keys/rotate", Handler: a.post(a.rotate)},
		{Pattern: "/caddyhub/logins/forgive", Handler: a.post(a.forgive)},
		{Pattern: "/caddyhub/health", Handler: caddy.AdminHandlerFunc(a.health)},
	}
}

func (a *Admin) post(handle func(http.ResponseWriter, *http.Request, *hub.Site) error) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost {
			return problem(http.StatusMethodNotAllowed, "use POST")
		}
		site, err := a.site()
		if err != nil {
			return err
		}
		return handle(w, r, site)
	})
}

func (a *Admin) site() (*hub.Site, error) {
	loaded, err := a.ctx.AppIfConfigured("caddyhub")
	if err != nil {
		return nil, problem(http.StatusNotFound, "no hub is configured")
	}
	site := loaded.(*app.App).Site()
	if site == nil {
		return nil, problem(http.StatusServiceUnavailable, "the hub has not reached its store yet")
	}
	return site, nil
}

// maxRequest bounds a request, in bytes.
const maxRequest = 64 << 10

func (a *Admin) token(w http.ResponseWriter, r *http.Request, site *hub.Site) error {
	var request struct {
		User      string   `json:"user"`
		Note      string   `json:"note"`
		ExpiresIn int64    `json:"expires_in"`
		Scopes    []string `json:"scopes"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return problem(http.StatusBadRequest, "the request is not the expected JSON: "+err.Error())
	}
	if request.ExpiresIn < 0 {
		return problem(http.StatusBadRequest, "expires_in is negative")
	}
	secret, token, err := site.IssueToken(r.Context(), hub.TokenRequest{
		User: request.User, Note: request.Note, Scopes: request.Scopes,
		Lifetime: time.Duration(request.ExpiresIn) * time.Second,
	})
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return problem(http.StatusNotFound, fmt.Sprintf("there is no user %q", request.User))
	case errors.Is(err, hub.ErrScopes), errors.Is(err, hub.ErrLifetime):
		return problem(http.StatusBadRequest, err.Error())
	case errors.Is(err, store.ErrUnavailable):
		return problem(http.StatusServiceUnavailable, "the store is out of reach")
	case err != nil:
		return problem(http.StatusInternalServerError, err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"token": secret, "id": token.ID})
}

func (a *Admin) rotate(w http.ResponseWriter, r *http.Request, site *hub.Site) error {
	if err := site.RotateKeys(r.Context()); err != nil {
		return problem(http.StatusInternalServerError, err.Error())
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *Admin) health(w http.ResponseWriter, r *http.Request) error {
	site, err := a.site()
	if err != nil {
		return err
	}
	if err := site.Health(r.Context()); err != nil {
		return problem(http.StatusServiceUnavailable, err.Error())
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func problem(status int, message string) error {
	return caddy.APIError{HTTPStatus: status, Err: errors.New(message), Message: message}
}

// Interface guards
var (
	_ caddy.AdminRouter = (*Admin)(nil)
	_ caddy.Provisioner = (*Admin)(nil)
)
