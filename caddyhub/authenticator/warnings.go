package authenticator

import (
	"maps"
	"slices"
	"strings"
)

// Warner has something to say about its own configuration.
type Warner interface {
	// Warnings returns whole sentences about a configuration that works but hardly
	// does what its author wants, alone or together with the rules. No secrets.
	Warnings(rules Rules) []string
}

// Warnings returns, in whole sentences, what is likely to be a mistake in the
// configuration. Log them once at the start.
func (l *Login) Warnings() []string {
	var warnings []string
	if closed := l.closedAuthenticators(); len(closed) > 0 && !l.rules.anyAllow() && len(l.rules.admins) == 0 {
		warnings = append(warnings, "No allow rule is configured, so nobody can log in with "+strings.Join(closed, ", ")+
			". Let in everybody that it knows with \"allow all\", or some with \"allow NAME...\", \"allow_group NAME...\" or \"admins NAME...\".")
	}
	for _, list := range []struct {
		word  string
		names map[string]bool
	}{{"allow", l.rules.allow}, {"admins", l.rules.admins}} {
		if both := overlap(list.names, l.rules.blocked); len(both) > 0 {
			warnings = append(warnings, "Named in \"blocked\" as well as in \""+list.word+"\", and therefore kept out: "+strings.Join(both, ", ")+".")
		}
	}
	for name, authenticator := range l.All() {
		if w, ok := authenticator.(Warner); ok {
			for _, warning := range w.Warnings(l.configured) {
				warnings = append(warnings, "authenticator "+name+": "+warning)
			}
		}
	}
	return warnings
}

// closedAuthenticators names those that let in nobody without an allow rule.
func (l *Login) closedAuthenticators() []string {
	var closed []string
	for name, authenticator := range l.All() {
		if !opensByDefault(authenticator) {
			closed = append(closed, name)
		}
	}
	return closed
}

// overlap returns what two sets have in common, sorted.
func overlap(a, b map[string]bool) []string {
	both := slices.Sorted(maps.Keys(a))
	return slices.DeleteFunc(both, func(name string) bool { return !b[name] })
}
