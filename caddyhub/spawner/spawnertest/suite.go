// Package spawnertest holds every spawner to what package spawner promises.
//
// The server that the suite starts is a program that obeys Behaviour. Serve is
// one, for spawners that can run the test's own binary; others bring their own.
package spawnertest

import (
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Variable tells the suite's server in its environment how to behave.
const Variable = "CADDYHUB_TEST_SERVER"

// Behaviour is a value of Variable.
type Behaviour string

const (
	// Obedient writes Greeting to its output, answers GET {prefix}api with its
	// environment as a JSON object and ends when asked to.
	Obedient Behaviour = "obedient"
	// Stubborn is Obedient but ends only by force.
	Stubborn Behaviour = "stubborn"
	// Failing writes Greeting and ends with exit code FailingExit at once.
	Failing Behaviour = "failing"
)

const (
	// Greeting is the first line of the server's output.
	Greeting = "test server begins"
	// FailingExit is the exit code of Failing.
	FailingExit = 7
)

// Config is what the suite needs of a spawner.
type Config struct {
	// New makes a spawner as a hub does that has just begun. It is called
	// several times in a test, each time for another hub on the same platform.
	// The servers it starts obey Behaviour. Graceful stops should give up soon.
	New func(t *testing.T) spawner.Spawner
	// Kill ends a server by force and behind the spawner's back.
	Kill func(t *testing.T, server spawner.Ref)
	// Timeout bounds every wait; 0 means 30 seconds.
	Timeout time.Duration
}

// Run runs the suite.
func Run(t *testing.T, config Config) {
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	for name, check := range map[string]func(*bench){
		"start, poll and stop":               checkLife,
		"environment":                        checkEnvironment,
		"a stop by force":                    checkForce,
		"a server that will not stop":        checkStubborn,
		"a server killed from outside":       checkKilled,
		"a server that fails":                checkFailing,
		"a hub that begins anew":             checkNewHub,
		"a hub that died inside a start":     checkRecover,
		"a start called off":                 checkCancelled,
		"a start whose state cannot be kept": checkUnsaved,
		"a start after its time":             checkLate,
		"servers side by side":               checkSideBySide,
		"no state and foreign state":         checkForeignState,
		"stops at the same time":             checkConcurrentStop,
		"hostile names":                      checkHostileNames,
		"the end of the log":                 checkTail,
	} {
		t.Run(name, func(t *testing.T) {
			check(&bench{T: t, config: config, hub: config.New(t)})
		})
	}
}
