package api

import (
	"net/http"
	"os"
	"runtime"

	"github.com/caddyhub/caddyhub/caddyhub/version"
)

// hubEndpoints are about the hub itself (section 1.1).
func (a *API) hubEndpoints() []endpoint {
	open := permit{who: anybody}
	return []endpoint{
		{http.MethodGet, "/", open, getVersion},
		{http.MethodGet, "/health", open, getHealth},
		{http.MethodHead, "/health", open, getHealth},
		{http.MethodGet, "/info", need(onHub, "read:hub"), getInfo},
		{http.MethodGet, "/user", permit{who: identified}, getSelf},
		a.shutdownEndpoint(),
	}
}

func getVersion(c *call) error {
	return c.json(http.StatusOK, map[string]any{"version": version.JupyterHub})
}

// getHealth is for probes: this process answers. Whether the store does is no
// reason to restart it.
func getHealth(c *call) error { return c.empty(http.StatusOK, typeHTML) }

// getInfo tells what runs here. There is no Python; what JupyterHub says of it
// is said of the Go runtime.
func getInfo(c *call) error {
	executable, err := os.Executable()
	if err != nil {
		executable = "unknown"
	}
	part := func(class string) map[string]any {
		return map[string]any{"class": class, "version": version.Release}
	}
	return c.json(http.StatusOK, map[string]any{
		"version":        version.JupyterHub,
		"python":         runtime.Version(),
		"sys_executable": executable,
		"spawner":        part(c.options.SpawnerName),
		"authenticator":  part(c.options.AuthenticatorName),
	})
}
