package hubauth

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
)

// setPlaceholders tells the handlers that follow, and the access log, who visits, by
// the names that Caddy's own authentication has for it:
//
//	{http.auth.user.id}      name of the user or service; empty if nobody known
//	{http.auth.user.name}    the same
//	{http.auth.user.kind}    "user" or "service"
//	{http.auth.user.admin}   "true" or "false"
//	{http.auth.user.groups}  groups of a user, with commas between them; a comma or
//	                         percent sign in a name is percent-encoded
//	{http.auth.user.scopes}  scopes by which the visitor was let in, and custom
//	                         scopes, with spaces between them
func setPlaceholders(replacer *caddy.Replacer, visitor appgate.Visitor) {
	replacer.Set("http.auth.user.id", visitor.Name())
	replacer.Set("http.auth.user.name", visitor.Name())
	replacer.Set("http.auth.user.kind", visitor.Kind())
	replacer.Set("http.auth.user.admin", strconv.FormatBool(visitor.Admin()))
	replacer.Set("http.auth.user.groups", later(func() string { return appgate.JoinNames(visitor.Groups()) }))
	replacer.Set("http.auth.user.scopes", later(func() string { return strings.Join(visitor.Scopes(), " ") }))
}

// later is the value of a placeholder that is not worked out unless it is used.
type later func() string

// String implements fmt.Stringer, which a replacer asks.
func (l later) String() string { return l() }

// between are headers between two hops, and those by which a request is framed or
// that proxies write themselves: who visits cannot stand there.
var between = map[string]bool{
	"connection": true, "upgrade": true, "host": true, "content-length": true, "transfer-encoding": true, "te": true,
	"trailer": true, "cookie": true, "set-cookie": true, "keep-alive": true, "x-forwarded-for": true,
	"x-forwarded-proto": true, "x-forwarded-host": true, "origin": true, "sec-fetch-site": true, "sec-fetch-mode": true,
}

// checkHeader says what is wrong with the name of a header.
func checkHeader(name string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is not the name of a header", name)
	case strings.ContainsAny(name, "_."):
		return fmt.Errorf("%q: write a dash where %q has another sign; clients that send another spelling are seen through", name, name)
	case between[strings.ToLower(name)]:
		return fmt.Errorf("%q belongs to the connection or to the browser; choose another name", name)
	}
	return nil
}
