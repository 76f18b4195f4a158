package hub

import (
	"context"
	"errors"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Known says whether a name in the DNS, as a browser asks for a certificate by it,
// is that of the hub, of a user or of a service. Strangers may ask for any name, so
// the answer costs one record at most, most often from memory. The host of a user
// whose name no label can be made of is known while a server runs there.
func (s *Site) Known(ctx context.Context, name string) (bool, error) {
	name = strings.ToLower(name)
	public, domain := s.settings.PublicURL, s.settings.Domain
	if public != nil && name == strings.ToLower(public.Hostname()) {
		return true, nil
	}
	host := domain.AtPort(name)
	if !domain.Owns(host) {
		return false, nil
	}
	if s.routes.Table().HasHost(name) {
		return true, nil
	}
	if user, ok := domain.User(host); ok {
		_, err := s.directory.User(ctx, user)
		return found(err)
	}
	if service, ok := domain.Service(host); ok {
		_, err := s.directory.Service(ctx, service)
		return found(err)
	}
	for _, configured := range s.settings.Configuration.Services {
		if domain.OfService(configured.Name) == host {
			return true, nil
		}
	}
	return false, nil
}

func found(err error) (bool, error) {
	if errors.Is(err, identity.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
