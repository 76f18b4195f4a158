package authenticator

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Rules say who may come in and under which name. Names in them may be written in
// any case; they go through the same normalisation as the names of those who log
// in. The zero value lets nobody in.
type Rules struct {
	// AllowAll lets in everybody whom an authenticator knows. Default: no.
	AllowAll bool
	// Allow lets in these users.
	Allow []string
	// AllowGroups lets in members of these groups: those that the authenticator
	// tells or, when it says nothing about groups, those that the hub knows.
	AllowGroups []string
	// AllowExisting lets in users that the hub already has, such as those whom an
	// administrator added by hand. Nil is JupyterHub's default: yes if Allow names
	// somebody, else no. To shut somebody out then, delete the user or block him.
	AllowExisting *bool
	// Admins makes these users administrators, and lets them in. So does an
	// authenticator that declares somebody an administrator. To take a name out of
	// the list does not take the flag from the user, as in JupyterHub.
	Admins []string
	// Blocked keeps these users out, whatever the other rules say.
	Blocked []string
	// UsernamePattern is a regular expression (RE2) that a name must match from
	// its first character on; it need not match to the end, as with JupyterHub.
	// Empty accepts every valid name.
	UsernamePattern string
	// UsernameMap gives names of an authenticator, in canonical form, another name
	// in the hub.
	UsernameMap map[string]string
}

// UserDirectory is what the rules ask the hub about a user.
type UserDirectory interface {
	// LookupUser reports whether the hub has a user of that name, and the names of
	// his groups. An error means that the hub cannot tell.
	LookupUser(ctx context.Context, name string) (exists bool, groups []string, err error)
}

// ruleset is Rules made ready: every name canonical, the pattern compiled.
type ruleset struct {
	allowAll      bool
	allowExisting bool
	allow         map[string]bool
	allowGroups   map[string]bool
	admins        map[string]bool
	blocked       map[string]bool
	pattern       *regexp.Regexp
	rename        map[string]string
}

func newRuleset(rules Rules) (*ruleset, error) {
	set := &ruleset{allowAll: rules.AllowAll, allowGroups: map[string]bool{}}
	if rules.UsernamePattern != "" {
		// Anchored with \A, which no flag inside the pattern can change.
		pattern, err := regexp.Compile(`\A(?:` + rules.UsernamePattern + `)`)
		if err != nil {
			return nil, fmt.Errorf("authenticator: username_pattern: %w", err)
		}
		set.pattern = pattern
	}
	var err error
	if set.rename, err = newRenames(rules.UsernameMap); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		word  string
		names []string
		into  *map[string]bool
	}{
		{"allow", rules.Allow, &set.allow},
		{"admins", rules.Admins, &set.admins},
		{"blocked", rules.Blocked, &set.blocked},
	} {
		if *list.into, err = set.names(list.word, list.names); err != nil {
			return nil, err
		}
	}
	for _, group := range rules.AllowGroups {
		if strings.TrimSpace(group) == "" {
			return nil, fmt.Errorf("authenticator: allow_group: empty name of a group")
		}
		set.allowGroups[group] = true
	}
	set.allowExisting = len(set.allow) > 0
	if rules.AllowExisting != nil {
		set.allowExisting = *rules.AllowExisting
	}
	return set, nil
}

// newRenames makes a map of names canonical. It refuses chains, with which the
// result would depend on how often a name was normalised.
func newRenames(names map[string]string) (map[string]string, error) {
	rename := make(map[string]string, len(names))
	for from, to := range names {
		from, to = Canonical(from), Canonical(to)
		if err := ValidateName(to); err != nil {
			return nil, fmt.Errorf("authenticator: username_map: target %q: %w", ForLog(to), err)
		}
		if other, there := rename[from]; there && other != to {
			return nil, fmt.Errorf("authenticator: username_map: %q is mapped to both %q and %q", ForLog(from), other, to)
		}
		rename[from] = to
	}
	for from, to := range rename {
		if next, there := rename[to]; there && next != to {
			return nil, fmt.Errorf("authenticator: username_map: %q leads to %q, which is mapped to %q: write the last name at once", from, to, next)
		}
	}
	return rename, nil
}

// names makes a set of the names in one list of the configuration.
func (s *ruleset) names(word string, list []string) (map[string]bool, error) {
	set := make(map[string]bool, len(list))
	for _, raw := range list {
		name, err := s.normalise(raw)
		if err != nil {
			return nil, fmt.Errorf("authenticator: %s: %q: %w", word, ForLog(raw), err)
		}
		set[name] = true
	}
	return set, nil
}

// normalise returns the name in the hub of somebody whom an authenticator, an
// administrator or a configuration calls raw.
func (s *ruleset) normalise(raw string) (string, error) {
	name := Canonical(raw)
	if mapped, there := s.rename[name]; there {
		name = mapped
	}
	if err := ValidateName(name); err != nil {
		return "", err
	}
	if s.pattern != nil && !s.pattern.MatchString(name) {
		return "", invalid("it does not match username_pattern")
	}
	return name, nil
}

// anyAllow reports whether there is an allow rule. The list of admins is none: it
// lets in the admins, and does not shut the others out of an authenticator that
// is open by default.
func (s *ruleset) anyAllow() bool {
	return s.allowAll || s.allowExisting || len(s.allow) > 0 || len(s.allowGroups) > 0
}

// check applies blocked and allowed to an identity whose name is normalised. It
// returns nil or an error that says why not.
func (s *ruleset) check(ctx context.Context, identity *Identity, open bool, users UserDirectory) error {
	name := identity.Name
	switch {
	case s.blocked[name]:
		return fmt.Errorf("%w: blocked", ErrNotAllowed)
	case s.allowAll, s.allow[name], s.admins[name]:
		return nil
	case identity.Admin != nil && *identity.Admin:
		return nil
	case open && !s.anyAllow():
		return nil
	case slices.ContainsFunc(identity.Groups, s.inAllowGroups):
		return nil
	}
	return s.checkDirectory(ctx, identity, users)
}

// checkDirectory applies the rules that need to know what the hub has.
func (s *ruleset) checkDirectory(ctx context.Context, identity *Identity, users UserDirectory) error {
	askGroups := len(s.allowGroups) > 0 && identity.Groups == nil
	if users != nil && (s.allowExisting || askGroups) {
		exists, groups, err := users.LookupUser(ctx, identity.Name)
		switch {
		case err != nil:
			return fmt.Errorf("%w: looking up the user: %w", ErrUnavailable, err)
		case exists && s.allowExisting:
			return nil
		case askGroups && slices.ContainsFunc(groups, s.inAllowGroups):
			return nil
		}
	}
	if !s.anyAllow() {
		return fmt.Errorf("%w: there is no allow rule, so nobody is allowed", ErrNotAllowed)
	}
	return fmt.Errorf("%w: no allow rule names this user", ErrNotAllowed)
}

func (s *ruleset) inAllowGroups(group string) bool { return s.allowGroups[group] }
