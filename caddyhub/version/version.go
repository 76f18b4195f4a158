// Package version says which caddyhub this is, and which JupyterHub it is to
// the clients that ask.
package version

import "runtime/debug"

const module = "github.com/caddyhub/caddyhub"

// JupyterHub is the release whose REST API, OAuth flow and environment we
// match. It goes out as X-JupyterHub-Version, where single-user servers and
// services compare it with their own.
const JupyterHub = "5.5.1"

// linked is set by the linker:
// -ldflags "-X github.com/caddyhub/caddyhub/caddyhub/version.linked=v1.2.3".
var linked string

// Release is our own version: what the linker was told, else the version of
// the module that was compiled in (as xcaddy and go install do it), else "dev".
// It goes out as X-CaddyHub-Version.
var Release = release(linked, debug.ReadBuildInfo)

func release(linked string, read func() (*debug.BuildInfo, bool)) string {
	if linked != "" {
		return linked
	}
	info, ok := read()
	if !ok {
		return "dev"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "dev"
}
