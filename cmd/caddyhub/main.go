// Command caddyhub is Caddy's own command line with the caddyhub modules
// compiled in, and a few commands of ours beside Caddy's.
package main

import (
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddyhub/caddyhub/caddyhub/version"
	"github.com/caddyhub/caddyhub/cmd/caddyhub/internal/extendedconnect"
	"github.com/caddyhub/caddyhub/modules/configproxy"

	_ "github.com/caddyhub/caddyhub/modules"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

const description = `caddyhub is a JupyterHub that lives at the edge: one Caddy binary that
terminates TLS, logs people in, starts their servers and decides every request
by JupyterHub's scopes. It has all of Caddy's commands and some of its own.

To run a hub:

	$ caddyhub run --config Caddyfile

To get an API token for a user of the running hub:

	$ caddyhub token ada --expires 24h

Wherever the text below says caddy, read caddyhub.`

func main() {
	extendedconnect.Restore()
	caddy.CustomBinaryName = "caddyhub"
	caddy.CustomLongDescription = description
	// Caddy puts this before its own version, in "version" and "--version".
	caddy.CustomVersion = fmt.Sprintf("caddyhub %s, JupyterHub %s, Caddy", version.Release, version.JupyterHub)
	giveHeapRoom()
	os.Args = configproxy.Arguments(os.Args)
	caddycmd.Main()
}
