package identity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func (d *Directory) applyServices(w store.Writer, configuration Configuration) error {
	for _, configured := range configuration.Services {
		service := configured.Service
		service.Configured = true
		if known, found, err := services.Find(w, store.Join(service.Name)); err != nil {
			return err
		} else if found && known.Configured {
			service.Roles = known.Roles
		} else if found {
			// Whoever made it through the API must not have what the configuration
			// gives to its name.
			d.log.Warn("a service made through the API gives way to a configured one", "service", service.Name)
			if err := d.removeService(w, known); err != nil {
				return err
			}
		}
		if err := putService(w, service); err != nil {
			return err
		}
		if err := d.applyServiceToken(w, configured); err != nil {
			return err
		}
	}
	return d.dropServices(w, configuration.Services)
}

// dropServices removes services that left the configuration.
func (d *Directory) dropServices(w store.Writer, configured []ConfiguredService) error {
	return services.Each(w, "", func(item store.Item[Service]) error {
		kept := slices.ContainsFunc(configured, func(c ConfiguredService) bool { return c.Name == item.Value.Name })
		if kept || !item.Value.Configured {
			return nil
		}
		return d.removeService(w, item.Value)
	})
}

// applyServiceToken makes the configured token of a service the only one of its
// kind. One that was hashed before a rotation of the keys is hashed anew.
func (d *Directory) applyServiceToken(w store.Writer, configured ConfiguredService) error {
	owner, current := ServiceOwner(configured.Name), ""
	if configured.APIToken != "" {
		token, hash, err := d.findToken(w, configured.APIToken)
		switch {
		case errors.Is(err, ErrInvalid):
		case err != nil:
			return err
		case token.Owner != owner:
			return fmt.Errorf("identity: the api_token of service %q is in use by another owner", configured.Name)
		case hash == d.tokenHash(configured.APIToken):
			current = token.ID
		}
	}
	generated := configured.APIToken == "" && configured.Managed()
	err := deleteTokens(w, owner, func(token Token) bool {
		return token.Configured && token.ID != current || token.Generated && !generated
	})
	if err != nil || configured.APIToken == "" || current != "" {
		return err
	}
	_, err = d.CreateTokenIn(w, configured.APIToken, NewToken{
		Owner: owner, Scopes: []string{scope.Inherit}, Configured: true,
	})
	return err
}

// RenewServiceToken gives a service that the hub starts a new API token in place
// of the one that it was given before, inside a transaction.
func (d *Directory) RenewServiceToken(w store.Writer, name, secret string) error {
	owner := ServiceOwner(name)
	if err := deleteTokens(w, owner, func(token Token) bool { return token.Generated }); err != nil {
		return err
	}
	_, err := d.CreateTokenIn(w, secret, NewToken{
		Owner: owner, Scopes: []string{scope.Inherit}, Generated: true, Note: "generated at startup",
	})
	return err
}
