package externalcookie

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// state is what is kept with the user. Fields have names of their own, so that
// what the site says cannot be taken for what is found out here.
type state struct {
	// Token is the value of the cookie that was good last.
	Token string `json:"token"`
	// Name is what the site calls the user.
	Name string `json:"name"`
	// Groups and Admin are what the site said; null if it has no say in them.
	Groups []string `json:"groups"`
	Admin  *bool    `json:"admin"`
	// Fields are those that were asked for, as they came.
	Fields map[string]any `json:"fields,omitempty"`
}

// readState reads auth state. What somebody else has written there is nothing.
func readState(raw json.RawMessage) state {
	var known state
	if json.Unmarshal(raw, &known) != nil {
		return state{}
	}
	return known
}

// finding is a good cookie.
type finding struct{ state }

// read takes what is asked for from the answer of the site.
func (a *Authenticator) read(value string, answer claims.Claims) (*finding, error) {
	names := a.options.Fields
	if active, there := answer.Lookup(names.Active); there && active != true && active != "true" {
		return nil, fmt.Errorf("%w: the site says that it is not active", authenticator.ErrDenied)
	}
	found := &finding{state{Token: value}}
	var ok bool
	if found.Name, ok = answer.Text(names.Name); !ok {
		return nil, fmt.Errorf("%w: the answer has no text %q", authenticator.ErrUnavailable, names.Name)
	}
	if names.Groups != "" {
		var err error
		if found.Groups, err = answer.Texts(names.Groups); err != nil {
			return nil, fmt.Errorf("%w: the answer: %w", authenticator.ErrUnavailable, err)
		}
	}
	if names.Admin != "" {
		// What is missing, or something else than true, is no.
		found.Admin = new(answer.True(names.Admin))
	}
	if token, there := answer.Text(names.Token); names.Token != "" && there && len(token) <= maxValue {
		found.Token = token
	}
	for _, name := range names.AuthState {
		if value, there := answer.Lookup(name); there {
			if found.Fields == nil {
				found.Fields = make(map[string]any)
			}
			found.Fields[name] = value
		}
	}
	return found, nil
}

// is says whether the cookie is that of a user who came by another one before.
func (f *finding) is(user string, before state) bool {
	if before.Name != "" {
		return f.Name == before.Name
	}
	return authenticator.Canonical(f.Name) == user
}

func (f *finding) identity() (*authenticator.Identity, error) {
	kept, err := json.Marshal(f.state)
	if err != nil {
		return nil, err
	}
	return &authenticator.Identity{Name: f.Name, Groups: f.Groups, Admin: f.Admin, AuthState: kept}, nil
}

// since is the finding as the answer to a refresh.
func (f *finding) since(authState json.RawMessage) (authenticator.Refreshed, error) {
	identity, err := f.identity()
	if err != nil {
		return authenticator.Refreshed{}, err
	}
	if bytes.Equal(identity.AuthState, authState) {
		return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
	}
	return authenticator.Refreshed{Outcome: authenticator.Changed, Identity: identity}, nil
}
