//go:build unix

package process

import (
	"maps"
	"os"

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

// commandLine expands the command and finds its program.
func (s *Spawner) commandLine(request spawner.Request, search string) (arguments []string, program string, err error) {
	for _, template := range s.command {
		arguments = append(arguments, template.Escaped(request.Names()))
	}
	program, err = osprocess.LookUp(arguments[0], search)
	if err != nil {
		return nil, "", &spawner.Error{Message: "The server's program is not installed.", Err: err}
	}
	return arguments, program, nil
}
