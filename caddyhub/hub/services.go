package hub

import (
	"context"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// applyServices makes routes and OAuth clients agree with the configured
// services.
func (p *parts) applyServices(ctx context.Context, base hubpath.Base, configured []identity.ConfiguredService) error {
	err := p.directory.Store().Update(ctx, func(w store.Writer) error {
		if err := oauth.ApplyServices(w, p.directory, base, configured); err != nil {
			return err
		}
		for _, service := range configured {
			if err := putServiceRoute(w, base, service.Service); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("hub: services: %w", err)
	}
	return nil
}

func putServiceRoute(w store.Writer, base hubpath.Base, service identity.Service) error {
	spec, err := route.ParseSpec(base.Service(service.Name))
	if err != nil {
		return err
	}
	if service.URL == "" {
		return route.Delete(w, spec)
	}
	target, err := route.ParseTarget(service.URL)
	if err != nil {
		return err
	}
	return route.Put(w, route.Route{Spec: spec, Target: target, Data: route.Data{Service: service.Name}})
}
