// Package modules compiles every module of caddyhub into a Caddy: a blank
// import of it is all that a custom build needs. It guarantees that whatever
// the documentation names is registered; it does nothing else.
//
//	xcaddy build --with github.com/caddyhub/caddyhub/modules
package modules

import (
	_ "github.com/caddyhub/caddyhub/modules/adminapi"                      // admin.api.caddyhub
	_ "github.com/caddyhub/caddyhub/modules/app"                           // caddyhub { }
	_ "github.com/caddyhub/caddyhub/modules/authenticators/dummy"          // authenticator dummy
	_ "github.com/caddyhub/caddyhub/modules/authenticators/externalcookie" // authenticator external_cookie
	_ "github.com/caddyhub/caddyhub/modules/authenticators/htpasswd"       // authenticator htpasswd
	_ "github.com/caddyhub/caddyhub/modules/authenticators/ldap"           // authenticator ldap
	_ "github.com/caddyhub/caddyhub/modules/authenticators/null"           // authenticator null
	_ "github.com/caddyhub/caddyhub/modules/authenticators/oauth2"         // authenticator oauth2
	_ "github.com/caddyhub/caddyhub/modules/authenticators/oidc"           // authenticator oidc
	_ "github.com/caddyhub/caddyhub/modules/authenticators/pam"            // authenticator pam, in builds with the tag pam
	_ "github.com/caddyhub/caddyhub/modules/authenticators/remoteuser"     // authenticator remote_user
	_ "github.com/caddyhub/caddyhub/modules/authenticators/sharedpassword" // authenticator shared_password
	_ "github.com/caddyhub/caddyhub/modules/command"                       // caddyhub token
	_ "github.com/caddyhub/caddyhub/modules/configproxy"                   // caddyhub configurable-http-proxy
	_ "github.com/caddyhub/caddyhub/modules/handlers/hub"                  // hub, and its parts
	_ "github.com/caddyhub/caddyhub/modules/handlers/hubexchange"          // hub_exchange
	_ "github.com/caddyhub/caddyhub/modules/handlers/hubforwardauth"       // hub_forward_auth
	_ "github.com/caddyhub/caddyhub/modules/handlers/hubroutesapi"         // hub_routes_api
	_ "github.com/caddyhub/caddyhub/modules/permission"                    // permission caddyhub
	_ "github.com/caddyhub/caddyhub/modules/spawners/process"              // spawner process
	_ "github.com/caddyhub/caddyhub/modules/stores/embedded"               // store embedded
	_ "github.com/caddyhub/caddyhub/modules/stores/memory"                 // store memory
	_ "github.com/caddyhub/caddyhub/modules/stores/redis"                  // store redis
)
