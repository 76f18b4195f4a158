//go:build unix

package process

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// environment is what the process gets: kept variables, then the account's,
// then the request's, then what only the spawner knows.
func (s *Spawner) environment(request spawner.Request, owner account, port int) (map[string]string, error) {
	env := map[string]string{"PATH": defaultPath}
	for _, name := range s.options.EnvKeep {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	env["HOME"] = owner.home
	env["USER"] = owner.name
	env["LOGNAME"] = owner.name
	env["SHELL"] = owner.shell
	maps.Copy(env, request.Environment)
	env["JUPYTERHUB_SERVICE_URL"] = spawner.ServiceURL("http", s.options.IP, port, request.Prefix)
	env[spawner.SpawnIDVariable] = request.SpawnID
	return env, spawner.ValidateEnvironment(env)
}

// list writes variables as the system wants them, in the order of their names.
func list(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// commandLine expands the command and finds its program.
func (s *Spawner) commandLine(request spawner.Request, search string) (arguments []string, program string, err error) {
	for _, template := range s.command {
		arguments = append(arguments, template.Escaped(request.Names()))
	}
	program, err = lookUp(arguments[0], search)
	if err != nil {
		return nil, "", &spawner.Error{Message: "The server's program is not installed.", Err: err}
	}
	return arguments, program, nil
}

// lookUp finds a program in a search path, as execvp(3) does, but never by
// relative paths: they would mean one thing to the hub and another to a user.
func lookUp(name, search string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			return "", fmt.Errorf("%w: program %q is neither a name nor an absolute path", spawner.ErrInvalid, name)
		}
		return name, executable(name)
	}
	for _, directory := range filepath.SplitList(search) {
		if !filepath.IsAbs(directory) {
			continue
		}
		candidate := filepath.Join(directory, name)
		if executable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("program %q is not in PATH %q: %w", name, search, os.ErrNotExist)
}

func executable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not a program: %w", name, os.ErrPermission)
	}
	return nil
}
