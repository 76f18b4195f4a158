// Package modules compiles every module of caddyhub into a Caddy: a blank
// import of it is all that a custom build needs. It guarantees that whatever
// the documentation names is registered; it does nothing else.
//
//	xcaddy build --with github.com/caddyhub/caddyhub/modules
package modules

import (
	_ "github.com/caddyhub/caddyhub/modules/command" // caddyhub token
)
