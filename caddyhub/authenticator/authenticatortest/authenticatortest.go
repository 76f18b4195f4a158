// Package authenticatortest holds every authenticator to the contract of package
// authenticator. The test of an authenticator describes one and calls Run.
package authenticatortest

import (
	"context"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Subject describes the authenticator under test.
type Subject struct {
	// New makes an authenticator that works.
	New func(t *testing.T) authenticator.Authenticator
	// Good is an attempt that succeeds; its User and Admin are filled in by the
	// suite where they are empty. A zero Good says that nobody ever gets in.
	Good authenticator.Attempt
	// Identity is what Good brings. AuthState is not compared.
	Identity authenticator.Identity
	// AnyPassword says that the password does not matter.
	AnyPassword bool
	// Broken makes an authenticator whose backing system is in trouble. Nil for
	// those that have none.
	Broken func(t *testing.T) authenticator.Authenticator
}

// Run runs the suite.
func Run(t *testing.T, subject Subject) {
	for _, check := range checks {
		t.Run(check.name, func(t *testing.T) {
			if check.skip != nil && check.skip(subject) {
				t.SkipNow()
			}
			made := subject.New
			if check.broken {
				made = subject.Broken
			}
			if err := check.run(t.Context(), subject, made(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// check is one demand of the contract. It returns what is wrong, so that the
// suite can be tested itself.
type check struct {
	name   string
	skip   func(Subject) bool
	broken bool
	run    func(context.Context, Subject, authenticator.Authenticator) error
}

var checks = []check{
	{name: "good credentials", run: goodCredentials, skip: nobody},
	{name: "through a login", run: throughLogin, skip: nobody},
	{name: "wrong password", run: wrongPassword, skip: func(s Subject) bool { return nobody(s) || s.AnyPassword || !hasPassword(s) }},
	{name: "missing fields", run: missingFields},
	{name: "hostile fields", run: hostileFields},
	{name: "cancelled context", run: cancelledContext},
	{name: "concurrent use", run: concurrentUse},
	{name: "broken backing system", run: brokenSystem, broken: true, skip: func(s Subject) bool { return s.Broken == nil }},
}

func nobody(s Subject) bool { return s.Good.Form == nil && s.Good.Request == nil }

func hasPassword(s Subject) bool { return s.Good.Password() != "" }
