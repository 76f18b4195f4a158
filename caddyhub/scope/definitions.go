package scope

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The scopes that stand for something else than themselves.
const (
	// NoScope grants nothing beyond being identified.
	NoScope = "(no_scope)"
	// Self stands for what users may do with their own things, see SelfScopes.
	Self = "self"
	// Inherit, in a token, stands for everything its owner may do at the time
	// of use. It has no meaning elsewhere.
	Inherit = "inherit"
)

// ErrCustom says that a custom scope is not defined as it must be.
var ErrCustom = errors.New("invalid custom scope")

// Custom defines a scope of the operator's own. The hub carries it in roles,
// tokens and filters; only services and servers give it a meaning.
type Custom struct {
	// Description is one line for the consent page. Required.
	Description string
	// Subscopes are the names of custom scopes that this one includes.
	Subscopes []string
}

// customName is JupyterHub's rule for names of custom scopes.
var customName = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_\-*:]+[a-z0-9_*]$`)

// definition is one scope as Expand needs it.
type definition struct {
	description string
	// included is the scope and all its subscopes, however deep, sorted.
	included []string
	// onServer is included without what makes no sense with a server filter.
	onServer []string
}

// Definitions are the scopes that exist: JupyterHub's and custom ones. They
// never change. The zero Definitions knows no scope.
type Definitions struct {
	scopes map[string]definition
}

// Builtin returns the scopes of JupyterHub. It puts them together on every call;
// keep the result.
func Builtin() *Definitions { return define(builtin) }

// NewDefinitions adds custom scopes, by name, to those of JupyterHub. A name
// starts with "custom:" and goes on with a letter or digit, then lower case
// letters, digits and -_:*, and ends with none of - and :. Errors wrap ErrCustom
// and cover everything that is wrong, not the first thing.
func NewDefinitions(custom map[string]Custom) (*Definitions, error) {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		for _, problem := range problemsOf(name, custom) {
			problems = append(problems, fmt.Errorf("%w %q: %s", ErrCustom, name, problem))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	all := maps.Clone(builtin)
	maps.Copy(all, custom)
	return define(all), nil
}

// problemsOf says what is wrong with one custom scope.
func problemsOf(name string, custom map[string]Custom) []string {
	var problems []string
	if !customName.MatchString(name) || len(name) > MaxLength {
		problems = append(problems, "the name must be custom: followed by at least three of a-z 0-9 - _ : *, "+
			"the first a letter or digit, the last neither - nor :")
	}
	if strings.TrimSpace(custom[name].Description) == "" {
		problems = append(problems, "the description is missing")
	}
	for _, sub := range custom[name].Subscopes {
		_, defined := custom[sub]
		_, isBuiltin := builtin[sub]
		switch {
		case isBuiltin:
			problems = append(problems, fmt.Sprintf("the subscope %q is not a custom one; use a role to put them together", sub))
		case !defined:
			problems = append(problems, fmt.Sprintf("the subscope %q is not defined", sub))
		}
	}
	if includesItself(name, custom) {
		problems = append(problems, "its subscopes lead back to it")
	}
	return problems
}

func includesItself(name string, scopes map[string]Custom) bool {
	return slices.ContainsFunc(scopes[name].Subscopes, func(sub string) bool {
		return slices.Contains(include(sub, scopes), name)
	})
}

// include returns a scope and all its subscopes, sorted. Cycles do no harm.
func include(name string, scopes map[string]Custom) []string {
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		for _, sub := range scopes[queue[0]].Subscopes {
			if !seen[sub] {
				seen[sub] = true
				queue = append(queue, sub)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func define(scopes map[string]Custom) *Definitions {
	d := &Definitions{scopes: make(map[string]definition, len(scopes))}
	for name, s := range scopes {
		included := include(name, scopes)
		d.scopes[name] = definition{
			description: s.Description,
			included:    included,
			// JupyterHub's rule, to the letter: it is what keeps "read:servers"
			// on one server from naming its user.
			onServer: slices.DeleteFunc(slices.Clone(included), func(name string) bool {
				return strings.HasPrefix(name, "read:user")
			}),
		}
	}
	return d
}

// All returns the names of all scopes, sorted.
func (d *Definitions) All() []string { return slices.Sorted(maps.Keys(d.scopes)) }

// Exists reports whether a scope of that name, without a filter, is defined.
func (d *Definitions) Exists(name string) bool {
	_, ok := d.scopes[name]
	return ok
}

// Includes returns a scope and all scopes it implies, sorted; nil if it is not
// defined.
func (d *Definitions) Includes(name string) []string {
	return slices.Clone(d.scopes[name].included)
}

// Parse is the function Parse for a scope that must also exist. Errors wrap
// ErrSyntax or ErrUnknown.
func (d *Definitions) Parse(text string) (Scope, error) {
	s, err := Parse(text)
	if err != nil {
		return Scope{}, err
	}
	if !d.Exists(s.Name) {
		return Scope{}, fmt.Errorf("%w: %q", ErrUnknown, text)
	}
	return s, nil
}

// Validate checks texts from outside: a role, a new token, a share. It returns
// every problem; errors wrap ErrSyntax or ErrUnknown.
func (d *Definitions) Validate(texts []string) error {
	var problems []error
	for _, text := range texts {
		if _, err := d.Parse(text); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
