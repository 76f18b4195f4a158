package service

import (
	"maps"
	"slices"
	"time"
)

// Spec describes a service that is to run.
type Spec struct {
	// Name of the service in the hub.
	Name string
	// Command is the program and its arguments. A program without a slash is
	// looked up in the PATH of the service, one with a slash is absolute or
	// relative to Dir. No shell is involved.
	Command []string
	// Dir is the working directory. Empty means the hub's.
	Dir string
	// User is the system account that the service runs as, which takes a hub
	// that runs as root. Empty means the hub's own.
	User string
	// Environment is what Environment has made, or anything else.
	Environment map[string]string
	// URL is where the service is to answer; empty if nowhere.
	URL string
	// Token is its API token. Empty means that each start gets a new one from
	// Options.Issue.
	Token string
	// Secrets are other texts that must not reach the log.
	Secrets []string
}

// same says whether a service of one description can go on under the other.
func (s Spec) same(other Spec) bool {
	return s.Name == other.Name && s.Dir == other.Dir && s.User == other.User &&
		s.URL == other.URL && s.Token == other.Token &&
		slices.Equal(s.Command, other.Command) && slices.Equal(s.Secrets, other.Secrets) &&
		maps.Equal(s.Environment, other.Environment)
}

// Target is a service that is looked after, whoever runs it.
type Target struct {
	Name string
	// URL is where it should answer.
	URL string
	// Managed says that the hub runs it.
	Managed bool
}

// Plan is what a configuration wants of services.
type Plan struct {
	// Run are the services to run, each name once.
	Run []Spec
	// Check are the services to ask, every CheckInterval, whether they are there.
	// What they answer goes to the log (JupyterHub's service_check_interval).
	Check []Target
	// CheckInterval of zero or less means that nobody is asked.
	CheckInterval time.Duration
}
