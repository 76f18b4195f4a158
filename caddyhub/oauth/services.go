package oauth

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrService says that a service cannot be an OAuth client as it is configured.
var ErrService = errors.New("oauth: service")

// servicePrefix begins the client ids of services, so that none can be taken
// for a server's or for the hub's own (JupyterHub 3.1).
const servicePrefix = "service-"

// IsServiceClient says whether a service logs users in through the hub: it has
// an address here, or configures any of OAuth.
func IsServiceClient(service identity.Service) bool {
	return service.URL != "" || service.OAuthRedirectURI != "" || service.OAuthClientID != "" || service.OAuthNoConfirm
}

// Addresses tells where browsers reach a service: a path such as
// {base}services/NAME/, or a URL if it has a host of its own; with a slash at the end.
type Addresses func(service string) string

// ServiceClient is the OAuth client of a service: by default "service-NAME", with
// oauth_callback at the service's address as the redirect_uri.
func ServiceClient(at Addresses, service identity.Service) identity.OAuthClient {
	client := identity.OAuthClient{
		ID:            cmp.Or(service.OAuthClientID, servicePrefix+service.Name),
		RedirectURI:   service.OAuthRedirectURI,
		AllowedScopes: slices.Clone(service.OAuthClientAllowedScopes),
		Description:   "JupyterHub service " + service.Name,
		Target:        scope.Client{Service: service.Name},
		NoConfirm:     service.OAuthNoConfirm,
	}
	if client.RedirectURI == "" && service.URL != "" {
		client.RedirectURI = at(service.Name) + "oauth_callback"
	}
	return client
}

// ApplyServices registers the OAuth clients of all configured services, with
// their API tokens as secrets, and removes those of services that are gone,
// with every token that they were given; inside a transaction, after the
// services themselves have been applied. What has not changed is not written,
// and clients of services that were made through the API stay. A service
// without an API token is no client; if the hub runs it, it becomes one when it
// is started (RegisterStarted). Mistakes in the configuration wrap ErrService.
func ApplyServices(w store.Writer, d *identity.Directory, at Addresses, services []identity.ConfiguredService) error {
	wanted, err := serviceClients(at, services)
	if err != nil {
		return err
	}
	for _, service := range services {
		if service.APIToken == "" || !IsServiceClient(service.Service) {
			continue
		}
		if err := register(w, d, ServiceClient(at, service.Service), service.APIToken); err != nil {
			return err
		}
	}
	return purgeServices(w, wanted)
}

// CheckServices says what of ApplyServices would fail whatever the store holds;
// errors wrap ErrService.
func CheckServices(at Addresses, services []identity.ConfiguredService) error {
	_, err := serviceClients(at, services)
	return err
}

// serviceClients are the ids of the OAuth clients of configured services.
func serviceClients(at Addresses, services []identity.ConfiguredService) (map[string]bool, error) {
	wanted := make(map[string]bool)
	for _, service := range services {
		if service.APIToken == "" && !service.Managed() || !IsServiceClient(service.Service) {
			continue
		}
		client := ServiceClient(at, service.Service)
		if err := validateService(client); err != nil {
			return nil, err
		}
		if wanted[client.ID] {
			return nil, fmt.Errorf("%w %q: the oauth_client_id %q belongs to another service", ErrService, service.Name, client.ID)
		}
		wanted[client.ID] = true
	}
	return wanted, nil
}

// RegisterStarted registers the OAuth client of a service that the hub starts, if
// it is one, with the API token of this start as the secret; inside a
// transaction. A client that is wrong is an error that wraps ErrService.
func RegisterStarted(w store.Writer, d *identity.Directory, at Addresses, service identity.Service, token string) error {
	if !IsServiceClient(service) {
		return nil
	}
	client := ServiceClient(at, service)
	if err := validateService(client); err != nil {
		return err
	}
	return register(w, d, client, token)
}

// RegisterService registers the OAuth client of a service that was just created
// through the API, if it is one, with its API token as the secret; inside the
// transaction that creates it. A client that is wrong, or whose id another
// service has, is an error that wraps ErrService.
func RegisterService(w store.Writer, d *identity.Directory, at Addresses, service identity.Service, token string) error {
	if token == "" || !IsServiceClient(service) {
		return nil
	}
	client := ServiceClient(at, service)
	if err := validateService(client); err != nil {
		return err
	}
	_, err := identity.GetClient(w, client.ID)
	switch {
	case err == nil:
		return fmt.Errorf("%w %q: the oauth_client_id %q belongs to another service", ErrService, service.Name, client.ID)
	case !errors.Is(err, identity.ErrNotFound):
		return err
	}
	err = d.PutClient(w, client, token)
	if errors.Is(err, identity.ErrName) {
		return fmt.Errorf("%w %q: %w", ErrService, service.Name, err)
	}
	return err
}

// register writes a client unless it stands there already. Tokens that another
// service was given under its id go.
func register(w store.Writer, d *identity.Directory, client identity.OAuthClient, secret string) error {
	known, err := identity.GetClient(w, client.ID)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	if err == nil && same(known, client) && d.VerifyClientSecret(known, secret) {
		return nil
	}
	if err == nil && known.Target != client.Target {
		if err := identity.DeleteClient(w, client.ID); err != nil {
			return err
		}
	}
	return d.PutClient(w, client, secret)
}

// same compares all but the secrets.
func same(a, b identity.OAuthClient) bool {
	return a.ID == b.ID && a.RedirectURI == b.RedirectURI && slices.Equal(a.AllowedScopes, b.AllowedScopes) &&
		a.Description == b.Description && a.Target == b.Target && a.NoConfirm == b.NoConfirm
}

func purgeServices(w store.Writer, wanted map[string]bool) error {
	return identity.EachClient(w, servicePrefix, func(client identity.OAuthClient) error {
		if wanted[client.ID] {
			return nil
		}
		service, err := identity.GetService(w, client.Target.Service)
		if err == nil && !service.Configured {
			return nil
		}
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		return identity.DeleteClient(w, client.ID)
	})
}

func validateService(client identity.OAuthClient) error {
	if !strings.HasPrefix(client.ID, servicePrefix) || client.ID == servicePrefix {
		return fmt.Errorf("%w %q: the oauth_client_id must start with %q", ErrService, client.Target.Service, servicePrefix)
	}
	if client.RedirectURI == "" {
		return fmt.Errorf("%w %q: a service without url needs an oauth_redirect_uri", ErrService, client.Target.Service)
	}
	if err := validateRedirect(client.RedirectURI); err != nil {
		return fmt.Errorf("%w %q: oauth_redirect_uri: %w", ErrService, client.Target.Service, err)
	}
	return nil
}

// validateRedirect says what is wrong with a redirect_uri that is to be
// registered: it is a path here or an absolute URL, without a fragment
// (RFC 6749, 3.1.2), and nothing that runs in the hub's own origin.
func validateRedirect(uri string) error {
	if strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' }) {
		return errors.New("contains characters that must be percent-encoded")
	}
	parsed, err := url.Parse(uri)
	switch {
	case err != nil:
		return errors.New("is no URL")
	case strings.Contains(uri, "#"):
		return errors.New("must not have a fragment")
	case parsed.User != nil:
		return errors.New("must not have a user")
	case strings.HasPrefix(uri, "/"):
		if strings.HasPrefix(uri, "//") {
			return errors.New("must be a path or have a scheme")
		}
		return nil
	case parsed.Scheme == "":
		return errors.New("must begin with a slash or a scheme")
	case slices.Contains([]string{"javascript", "data", "vbscript", "blob", "file", "about", "filesystem"}, parsed.Scheme):
		return fmt.Errorf("must not have the scheme %s", parsed.Scheme)
	case (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host == "":
		return errors.New("has no host")
	}
	return nil
}
