package ldap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// state is the auth state: what the directory said at the login.
type state struct {
	DN   string `json:"dn,omitempty"`
	Name string `json:"name"`
	// Groups and Admin are nil where the directory does not say.
	Groups []string `json:"groups,omitempty"`
	Admin  *bool    `json:"admin,omitempty"`
	// Attributes are those that the configuration asks to keep.
	Attributes map[string][]string `json:"attributes,omitempty"`
}

// identify makes an identity of somebody who has proved who he is.
func (a *Authenticator) identify(c *connection, of user) (*authenticator.Identity, error) {
	identity := &authenticator.Identity{Name: of.name}
	kept := state{DN: of.dn, Name: of.name}
	if a.options.managed() || len(a.options.AllowedGroups)+len(a.options.AdminGroups) > 0 {
		groups, err := a.groups(c, of)
		if err != nil {
			return nil, err
		}
		if len(a.options.AllowedGroups) > 0 && !inAny(groups, a.options.AllowedGroups) {
			return nil, fmt.Errorf("%w: in none of the allowed groups of the directory", authenticator.ErrNotAllowed)
		}
		if len(a.options.AdminGroups) > 0 {
			identity.Admin, identity.AdminsStay = new(inAny(groups, a.options.AdminGroups)), true
		}
		if a.options.managed() {
			identity.Groups = names(groups)
		}
	}
	kept.Groups, kept.Admin = identity.Groups, identity.Admin
	if of.entry != nil && len(a.options.StateAttributes) > 0 {
		kept.Attributes = make(map[string][]string)
		for _, attribute := range a.options.StateAttributes {
			if values := of.entry.GetEqualFoldAttributeValues(attribute); len(values) > 0 {
				kept.Attributes[attribute] = slices.Sorted(slices.Values(values))
			}
		}
	}
	text, err := json.Marshal(kept)
	identity.AuthState = text
	return identity, err
}

// names are those of groups that have one, sorted; never nil.
func names(groups []group) []string {
	names := make([]string, 0, len(groups))
	for _, g := range groups {
		if g.name != "" {
			names = append(names, g.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Refresh looks the user up again: gone, renamed or out of all allowed groups ends
// the session; other groups are told. Without a user to search with it cannot
// look up somebody whom a template found, and says that all is as it was.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, _ *http.Request) (authenticator.Refreshed, error) {
	var kept state
	if json.Unmarshal(authState, &kept) != nil || kept.Name == "" {
		return authenticator.Refreshed{}, nil
	}
	if kept.DN == "" || a.options.SearchUser == "" && len(a.options.BindDNTemplates) > 0 {
		return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
	}
	answer := authenticator.Refreshed{}
	err := a.with(ctx, func(c *connection) error {
		if err := a.bindToSearch(c); err != nil {
			return err
		}
		entry, err := a.entry(c, kept.DN)
		if err != nil || entry == nil || !a.stillNamed(entry, kept.Name) {
			return err
		}
		identity, err := a.identify(c, user{name: kept.Name, dn: entry.DN, entry: entry})
		if errors.Is(err, authenticator.ErrNotAllowed) {
			return nil
		}
		if err != nil {
			return err
		}
		answer.Outcome = authenticator.Fresh
		if !bytes.Equal(identity.AuthState, authState) {
			answer.Outcome, answer.Identity = authenticator.Changed, identity
		}
		return nil
	})
	return answer, err
}

// stillNamed reports whether the entry still has the name of the session's user:
// another person may have been given the DN.
func (a *Authenticator) stillNamed(entry *ldap.Entry, name string) bool {
	attributes := a.options.UserAttributes
	if a.options.NameAttribute != "" {
		attributes = []string{a.options.NameAttribute}
	}
	return slices.ContainsFunc(attributes, func(attribute string) bool {
		return slices.Contains(entry.GetEqualFoldAttributeValues(attribute), name)
	})
}

// OpenByDefault is true if the directory itself says who may come in.
func (a *Authenticator) OpenByDefault() bool { return len(a.options.AllowedGroups) > 0 }

// Warnings tells what makes logins worth less than they look.
func (a *Authenticator) Warnings(authenticator.Rules) []string {
	if !a.options.Insecure {
		return nil
	}
	return []string{"Passwords cross the network to the LDAP server in the clear, where everybody on the way can read them."}
}

// Prompt is a form with user name and password.
func (a *Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Username: true, Password: true, Text: a.options.Service}
}
