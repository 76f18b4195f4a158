package appgate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrPolicy says that a policy makes no sense.
var ErrPolicy = errors.New("who may use the app")

// Policy says who may use an app. Any one of its rules lets somebody in.
type Policy struct {
	// Scopes of which one has to be held: "access:services!service=grafana".
	Scopes []string
	// Users and Groups by their names in the hub.
	Users, Groups []string
	// Authenticated lets in every user and service that is logged in.
	Authenticated bool
	// Anonymous lets in everybody, known or not.
	Anonymous bool
}

// Check says what is wrong with a policy, as ErrPolicy. The definitions may be
// nil: then any name may be that of a scope.
func (p Policy) Check(definitions *scope.Definitions) error {
	rules := len(p.Scopes) + len(p.Users) + len(p.Groups)
	switch {
	case p.Anonymous && (p.Authenticated || rules > 0):
		return fmt.Errorf("%w: \"allow anonymous\" lets everybody in, so that no other rule can have an effect", ErrPolicy)
	case p.Authenticated && rules > 0:
		return fmt.Errorf("%w: \"allow authenticated\" lets everybody in who is logged in, so that scopes, users and groups can have no effect", ErrPolicy)
	case !p.Anonymous && !p.Authenticated && rules == 0:
		return fmt.Errorf("%w: nobody; name scopes, users or groups, or write \"allow authenticated\" or \"allow anonymous\"", ErrPolicy)
	case slices.Contains(p.Users, "") || slices.Contains(p.Groups, ""):
		return fmt.Errorf("%w: an empty name", ErrPolicy)
	}
	for _, text := range p.Scopes {
		if _, err := wanted(text); err != nil {
			return err
		}
		if definitions == nil {
			continue
		}
		if err := definitions.Validate([]string{text}); err != nil {
			return fmt.Errorf("%w: %w", ErrPolicy, err)
		}
	}
	return nil
}

// wanted is the set of one scope alone: what it includes need not be held.
func wanted(text string) (scope.Set, error) {
	set, err := scope.NewSet(text)
	if err != nil {
		return set, fmt.Errorf("%w: scope %q: %w", ErrPolicy, text, err)
	}
	return set, nil
}

// rules are a policy, ready to be asked.
type rules struct {
	Policy
	sets []scope.Set // of Scopes
}

func rulesOf(policy Policy, definitions *scope.Definitions) (rules, error) {
	if err := policy.Check(definitions); err != nil {
		return rules{}, err
	}
	made := rules{Policy: policy}
	for _, text := range policy.Scopes {
		set, err := wanted(text)
		if err != nil {
			return rules{}, err
		}
		made.sets = append(made.sets, set)
	}
	return made, nil
}

// access asks the rules about a verified identity.
func (g *Gate) access(ctx context.Context, who *identity.Identity) gate.Access {
	if whole(who) && g.rules.names(who) {
		return gate.AccessGranted
	}
	for i := range g.rules.sets {
		holds, err := g.holds(ctx, who, i)
		if err != nil {
			g.report(ctx, "access not decided", err)
			return gate.AccessUnavailable
		}
		if holds {
			return gate.AccessGranted
		}
	}
	return gate.AccessNone
}

// names says whether a rule lets somebody in for who they are.
func (r *rules) names(who *identity.Identity) bool {
	switch {
	case r.Authenticated:
		return true
	case who.User == nil:
		return false
	}
	return slices.Contains(r.Users, who.User.Name) ||
		slices.ContainsFunc(who.User.Groups, func(name string) bool { return slices.Contains(r.Groups, name) })
}

// whole says whether a credential stands for its owner, in all that these may do.
func whole(who *identity.Identity) bool {
	if who.Visitor != nil || who.Grant != nil || who.Limited() {
		return false
	}
	return who.Session != nil || who.Token != nil && slices.Contains(who.Token.Scopes, scope.Inherit)
}

// holds asks for the scope of a rule. Only scopes that are filtered by group need
// the store.
func (g *Gate) holds(ctx context.Context, who *identity.Identity, rule int) (bool, error) {
	var trouble error
	missing := g.rules.sets[rule].Missing(who.Scopes, func(user string) (groups []string) {
		err := g.options.Directory.Store().View(ctx, func(r store.Reader) error {
			of, failed := identity.Memberships(r)
			groups = of(user)
			return failed()
		})
		trouble = errors.Join(trouble, err)
		return groups
	})
	return len(missing) == 0, trouble
}

// refusal is the text for somebody whom no rule names. It does not tell whom.
func (r *rules) refusal() string {
	if len(r.Scopes) == 0 {
		return "You may not use this application."
	}
	return "You may not use this application: it needs " + oneOf(r.Scopes) + "."
}

func oneOf(scopes []string) string {
	if len(scopes) == 1 {
		return "the scope " + scopes[0]
	}
	return "one of the scopes " + strings.Join(scopes, ", ")
}
