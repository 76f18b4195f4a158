//go:build unix

package process

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// environment is what the process gets: kept variables, then the account's,
// then the request's, then what only the spawner knows.
func (s *Spawner) environment(request spawner.Request, owner osprocess.Account, port int) (map[string]string, error) {
	env := map[string]string{"PATH": defaultPath}
	for _, name := range s.options.EnvKeep {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	env["HOME"] = owner.Home
	env["USER"] = owner.Name
	env["LOGNAME"] = owner.Name
	env["SHELL"] = owner.Shell
	maps.Copy(env, request.Environment)
	env["JUPYTERHUB_SERVICE_URL"] = spawner.ServiceURL("http", s.options.IP, port, request.Prefix)
	env[spawner.SpawnIDVariable] = request.SpawnID
	return env, spawner.ValidateEnvironment(env)
}

// The settings that can be other than usual for one server, by their word in
// the configuration.
const (
	overrideCommand = "command"
	overrideArgs    = "args"
)

// CheckOverride agrees to another command, or other arguments after it.
func (s *Spawner) CheckOverride(word string, values []string) error {
	if word != overrideCommand && word != overrideArgs {
		return fmt.Errorf("%w: process spawner: %s cannot differ between servers; %s and %s can",
			spawner.ErrInvalid, word, overrideCommand, overrideArgs)
	}
	if word == overrideCommand && (len(values) == 0 || values[0] == "") {
		return fmt.Errorf("%w: process spawner: an empty command", spawner.ErrInvalid)
	}
	if _, err := templates(values); err != nil {
		return fmt.Errorf("process spawner: %s: %w", word, err)
	}
	return nil
}

func templates(sources []string) ([]spawner.Template, error) {
	list := make([]spawner.Template, len(sources))
	for i, source := range sources {
		var err error
		if list[i], err = spawner.ParseTemplate(source); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// wanted is the command for a request, as usual or as the request has it.
func (s *Spawner) wanted(request spawner.Request) ([]spawner.Template, error) {
	parts := [][]spawner.Template{s.command, s.args}
	for i, word := range []string{overrideCommand, overrideArgs} {
		sources, given := request.Overrides[word]
		if !given {
			continue
		}
		if err := s.CheckOverride(word, sources); err != nil {
			return nil, err
		}
		var err error
		if parts[i], err = templates(sources); err != nil {
			return nil, err
		}
	}
	return slices.Concat(parts...), nil
}

// commandLine expands the command and finds its program.
func (s *Spawner) commandLine(request spawner.Request, search string) (arguments []string, program string, err error) {
	wanted, err := s.wanted(request)
	if err != nil {
		return nil, "", err
	}
	for _, template := range wanted {
		arguments = append(arguments, template.Escaped(request.Names()))
	}
	program, err = osprocess.LookUp(arguments[0], search)
	if err != nil {
		return nil, "", &spawner.Error{Message: "The server's program is not installed.", Err: err}
	}
	return arguments, program, nil
}
