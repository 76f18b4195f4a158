package api

import (
	"encoding/json"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// serviceFields are the fields of a service that each scope reveals
// (section 1.12).
var serviceFields = fields{
	"read:services":       {"kind", "name", "admin", "url", "prefix", "command", "pid", "info", "display"},
	"read:services:name":  {"kind", "name", "admin"},
	"read:roles:services": {"kind", "name", "admin", "roles"},
}

// serviceModelIn is a service as the caller may see it, inside a transaction,
// with its process if the hub runs it.
func (c *call) serviceModelIn(r store.Reader, service identity.Service) (map[string]any, error) {
	model := c.serviceModel(service)
	if _, revealed := model["pid"]; !revealed || !service.Managed() || c.options.ServicePID == nil {
		return model, nil
	}
	pid, err := c.options.ServicePID(r, service.Name)
	model["pid"] = pid
	return model, err
}

// serviceModel is serviceModelIn without the process.
func (c *call) serviceModel(service identity.Service) map[string]any {
	roles := slices.Clone(service.Roles)
	if service.Admin && !slices.Contains(roles, identity.RoleAdmin) {
		roles = append(roles, identity.RoleAdmin)
		slices.Sort(roles)
	}
	prefix := ""
	if service.URL != "" {
		prefix = c.options.Base.Service(service.Name)
	}
	return c.reveal(serviceFields, scope.OnService(service.Name), map[string]any{
		"kind": "service", "name": service.Name, "admin": service.Admin, "roles": list(roles),
		"url": service.URL, "prefix": prefix, "command": list(service.Command), "pid": 0,
		"info": object(service.Info), "display": !service.Hidden,
	})
}

// fields are the names of fields by the scope that reveals them.
type fields map[string][]string

// reveal returns the fields that the caller's scopes reveal of an entity. The
// others are absent, not null.
func (c *call) reveal(by fields, of scope.Resource, model map[string]any) map[string]any {
	revealed := make(map[string]any, len(model))
	for name, keys := range by {
		if !c.may(name, of) {
			continue
		}
		for _, key := range keys {
			if value, has := model[key]; has {
				revealed[key] = value
			}
		}
	}
	return revealed
}

// list is a list that is never null.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// object is stored JSON that is never null.
func object(stored json.RawMessage) json.RawMessage {
	if len(stored) == 0 {
		return json.RawMessage("{}")
	}
	return stored
}
