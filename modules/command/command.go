// Package command adds the commands of caddyhub to Caddy's command line.
//
// A command never opens the store: the embedded store has one process for an
// owner, and a second writer would bypass what the hub keeps in memory. It asks
// the running hub through Caddy's admin endpoint, so whoever may reconfigure
// Caddy may run it, and nobody else.
package command

import caddycmd "github.com/caddyserver/caddy/v2/cmd"

func init() {
	caddycmd.RegisterCommand(tokenCommand())
}
