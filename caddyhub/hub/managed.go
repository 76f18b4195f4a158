package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/service"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// planOf is what a configuration wants of services.
func planOf(settings Settings) (service.Plan, error) {
	plan := service.Plan{CheckInterval: settings.ServiceCheckInterval}
	if err := oauth.CheckServices(settings.addresses(), settings.Configuration.Services); err != nil {
		return plan, fmt.Errorf("hub: %w", err)
	}
	for _, configured := range settings.Configuration.Services {
		if configured.URL != "" {
			plan.Check = append(plan.Check, service.Target{
				Name: configured.Name, URL: configured.URL, Managed: configured.Managed(),
			})
		}
		if !configured.Managed() {
			continue
		}
		managed := settings.Managed[configured.Name]
		environment, err := environmentOf(settings, configured.Service, managed)
		if err != nil {
			return plan, fmt.Errorf("hub: service %q: %w", configured.Name, err)
		}
		plan.Run = append(plan.Run, service.Spec{
			Name: configured.Name, Command: configured.Command, Dir: managed.Dir, User: managed.User,
			Environment: environment, URL: configured.URL, Token: configured.APIToken, Secrets: managed.Secrets,
		})
	}
	return plan, nil
}

func environmentOf(settings Settings, configured identity.Service, managed Managed) (map[string]string, error) {
	launch := settings.Servers.Launch
	hub := spawner.Params{
		APIURL: settings.Servers.APIURL, BaseURL: string(settings.Base),
		CookieOptions: launch.CookieOptions, CookieHostPrefix: launch.CookieHostPrefix,
	}
	if public := settings.PublicURL; public != nil {
		origin := url.URL{Scheme: public.Scheme, Host: public.Host}
		hub.Host = origin.String()
		hub.PublicHubURL = hub.Host + settings.Base.Hub("")
	}
	client := oauth.ServiceClient(settings.addresses(), configured)
	return service.Environment(service.Params{
		Name: configured.Name, URL: configured.URL, Prefix: settings.Base.Service(configured.Name), PublicURL: settings.publicService(configured.Name),
		ClientID: client.ID, CallbackURL: client.RedirectURI, AllowedScopes: configured.OAuthClientAllowedScopes,
		User: managed.User, Hub: hub, Environment: managed.Environment,
	})
}

// applyPlan runs the services of a configuration that is in force now.
func (p *parts) applyPlan(settings Settings, plan service.Plan) {
	p.hubAt.Store(&address{settings.addresses(), settings.Servers.APIURL})
	p.services.Apply(plan)
}

// supervisor makes what runs services on this node.
func (h *Hub) supervisor(p *parts, settings Settings) (*service.Supervisor, error) {
	node := settings.Node
	if node == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("hub: host name: %w", err)
		}
		node = name
	}
	return service.New(service.Options{
		Store: h.backend.Store, Node: node, Issue: p.issue, Ready: p.ready, Log: h.log,
	})
}

// stopServices waits for services to end, for as long as they may take.
func (p *parts) stopServices() error {
	ctx, cancel := context.WithTimeout(context.Background(), endOfServices)
	defer cancel()
	return p.services.Close(ctx)
}

// address is where services find the hub, and users find services.
type address struct {
	services oauth.Addresses
	api      string
}

// issue gives a service that is about to be started a new token, which is the
// secret of its OAuth client too.
func (p *parts) issue(ctx context.Context, name string) (secret string, err error) {
	secret = keyring.RandomToken(32)
	err = p.directory.Store().Update(ctx, func(w store.Writer) error {
		configured, err := identity.GetService(w, name)
		if err != nil {
			return err
		}
		if err := p.directory.RenewServiceToken(w, name, secret); err != nil {
			return err
		}
		return oauth.RegisterStarted(w, p.directory, p.hubAt.Load().services, configured, secret)
	})
	return secret, err
}

const (
	// endOfServices is how long the end of a hub waits for services: a little
	// more than all their signals together.
	endOfServices = 22 * time.Second
	// readyTimeout is how long services wait for the hub to answer.
	readyTimeout = 10 * time.Second
	readyPause   = 100 * time.Millisecond
)

// ready waits until the API answers at the address that services are told:
// while a configuration comes into force nobody may be listening there yet.
func (p *parts) ready(ctx context.Context) {
	api := p.hubAt.Load().api
	if api == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/", nil)
		if err != nil {
			return // a service will find out as well
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close() // that there is an answer is all that counts
		}
		waiting := err == nil && response.StatusCode == http.StatusServiceUnavailable ||
			errors.Is(err, syscall.ECONNREFUSED)
		if !waiting {
			return
		}
		select {
		case <-time.After(readyPause):
		case <-ctx.Done():
			return
		}
	}
}
