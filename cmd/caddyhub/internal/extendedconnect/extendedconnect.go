// Package extendedconnect makes this program's HTTP/2 servers offer extended
// CONNECT, by which browsers open WebSockets in streams of a connection that they
// have already (RFC 8441).
//
// What it guarantees:
//
//   - It is offered, unless the environment says GODEBUG=http2xconnect=0.
//   - Programs that this one starts see the GODEBUG that this one was started with.
//
// Go offers it to whoever has http2xconnect=1 in GODEBUG when net/http and
// golang.org/x/net/http2 are initialised, and in no other way. Packages are
// initialised in the order of their import paths, each as soon as what it imports
// has been (The Go Programming Language Specification, "Program initialization").
// This one imports no more than they do, and its path comes before theirs: so it is
// done when they read the variable. It must never import anything else.
package extendedconnect

import (
	"os"
	"strings"
)

const (
	variable = "GODEBUG"
	setting  = "http2xconnect"
)

// given is the variable as this program found it, if it was set.
var given, set = os.LookupEnv(variable)

func init() {
	if value := offering(given); value != given {
		_ = os.Setenv(variable, value) // or it is not offered
	}
}

// offering is a GODEBUG with the setting added, unless it has one already.
func offering(value string) string {
	switch {
	case strings.Contains(value, setting+"="):
		return value
	case value == "":
		return setting + "=1"
	}
	return value + "," + setting + "=1"
}

// Restore makes the variable what it was before this program began. Call it in
// main, before anything reads the environment to hand it on.
func Restore() {
	if set {
		_ = os.Setenv(variable, given) // what was there can be set
		return
	}
	_ = os.Unsetenv(variable) // which cannot fail
}
