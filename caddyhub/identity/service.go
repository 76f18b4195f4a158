package identity

import (
	"context"
	"encoding/json"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Service is a program that uses the hub: through its API, by logging users in
// through it, or both (JupyterHub "Services").
type Service struct {
	Name string `json:"name"`
	// Admin gives the role "admin".
	Admin bool `json:"admin,omitempty"`
	// Roles assigned to the service; sorted.
	Roles []string `json:"roles,omitempty"`
	// URL is the origin the service listens at; it is routed under
	// /services/NAME/. Empty: not routed.
	URL string `json:"url,omitempty"`
	// Public says that its route leads to it whoever asks, and that it finds out
	// itself who that is.
	Public bool `json:"public,omitempty"`
	// OAuthClientID and OAuthRedirectURI make the service an OAuth client.
	OAuthClientID    string `json:"oauth_client_id,omitempty"`
	OAuthRedirectURI string `json:"oauth_redirect_uri,omitempty"`
	// OAuthClientAllowedScopes are what it may ask of a user beside access.
	OAuthClientAllowedScopes []string `json:"oauth_client_allowed_scopes,omitempty"`
	// OAuthNoConfirm skips the consent page.
	OAuthNoConfirm bool `json:"oauth_no_confirm,omitempty"`
	// Hidden keeps the service out of the menu.
	Hidden bool `json:"hidden,omitempty"`
	// Command is the program that the hub runs; empty if it does not run the
	// service.
	Command []string `json:"command,omitempty"`
	// Info is any JSON object, shown by the API.
	Info json.RawMessage `json:"info,omitempty"`
	// Configured says that the service stands in the configuration, and goes
	// when it is taken out there.
	Configured bool `json:"configured,omitempty"`
}

// Managed says whether the hub runs the service itself.
func (s Service) Managed() bool { return len(s.Command) > 0 }

var services = store.Collection[Service]{Kind: KindService}

// GetService returns a service inside a transaction, or ErrNotFound.
func GetService(r store.Reader, name string) (Service, error) {
	id, err := keyOf("service", name)
	if err != nil {
		return Service{}, err
	}
	service, err := services.Get(r, id)
	return service, notFound(err, "service", name)
}

// Service returns a service, or ErrNotFound.
func (d *Directory) Service(ctx context.Context, name string) (service Service, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		service, err = GetService(r, name)
		return err
	})
	return service, err
}

// Services returns all services, in the order of their names.
func (d *Directory) Services(ctx context.Context) (list []Service, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		list = nil
		return services.Each(r, "", func(item store.Item[Service]) error {
			list = append(list, item.Value)
			return nil
		})
	})
	return list, err
}

// removeService removes a service with its tokens and its OAuth clients, and
// so with every token that those were given.
func (d *Directory) removeService(w store.Writer, service Service) error {
	if err := deleteTokens(w, ServiceOwner(service.Name), nil); err != nil {
		return err
	}
	err := clients.Each(w, "", func(item store.Item[OAuthClient]) error {
		if item.Value.Target.Service != service.Name {
			return nil
		}
		return DeleteClient(w, item.Value.ID)
	})
	if err != nil {
		return err
	}
	if err := indexRoles(w, memberService, service.Name, service.assigned(), nil); err != nil {
		return err
	}
	if err := d.activity.Delete(w, ActivityOfService(service.Name)); err != nil {
		return err
	}
	return services.Delete(w, store.Join(service.Name))
}

func putService(w store.Writer, service Service) error {
	if err := CheckName(service.Name); err != nil {
		return err
	}
	id := store.Join(service.Name)
	before, _, err := services.Find(w, id)
	if err != nil {
		return err
	}
	if err := indexRoles(w, memberService, service.Name, before.assigned(), service.assigned()); err != nil {
		return err
	}
	return putChanged(w, services, id, service)
}
