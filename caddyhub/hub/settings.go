package hub

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/cull"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Settings are everything that a configuration says.
type Settings struct {
	// Log is where this configuration logs to, also what outlives it; nil means
	// where the hub was told to log when it was made.
	Log *slog.Logger
	// Audit is where what somebody has changed is recorded; nil means nowhere.
	Audit *slog.Logger
	// Cull stops servers that nobody uses; the zero Settings cull nothing.
	Cull cull.Settings
	// MetricsForAll lets everybody read {hub}metrics. Default: the scope
	// read:metrics is needed.
	MetricsForAll bool
	// TokenSockets wants WebSockets to servers to carry the token of their page.
	// Default: a cookie and the right origin are enough.
	TokenSockets bool
	// Node names this machine among the nodes, the same after every restart.
	// Empty means the host name.
	Node string
	// Base is the path of the hub.
	Base hubpath.Base
	// PublicURL is the origin that users see; nil if only requests can tell.
	PublicURL *url.URL
	// Domain is where users and services have hosts of their own; the zero Domain
	// means that all share the host of the hub. It needs a PublicURL.
	Domain subdomain.Domain
	// Guest says of further hosts, in canonical form, whether the login is handed
	// over to them: those of apps that the hub guards elsewhere. Nil: to none.
	Guest func(host string) bool
	// TokenAlgorithms are those by which tokens for apps are signed.
	TokenAlgorithms []identitytoken.Algorithm
	// DefaultURL is where a login leads; empty means the user's server.
	DefaultURL string

	// Authenticators in the order in which the login page offers them.
	Authenticators []authenticator.Named
	// Rules say who may come in.
	Rules authenticator.Rules
	// LoginLimits say how many logins may fail.
	LoginLimits authenticator.Limits

	// Identity are scopes and limits of sessions.
	Identity identity.Settings
	// Configuration are the configured users, groups, roles and services.
	Configuration identity.Configuration
	// Managed is how services with a command are run, by their names.
	Managed map[string]Managed
	// ServiceCheckInterval is how often services with a URL are asked whether
	// they are there. Zero or less means never.
	ServiceCheckInterval time.Duration
	// Tokens limits tokens.
	Tokens Tokens
	// Refresh says how logins elsewhere are confirmed.
	Refresh Refresh

	// Servers are the settings of single-user servers.
	Servers server.Settings
	// Pages is the look.
	Pages page.Options

	// Pagination limits lists of the API.
	Pagination Pagination
	// Exit ends this program gracefully, and returns before it has; nil if no
	// client of the API may do that.
	Exit func()

	// SpawnerName and AuthenticatorName are what GET /info tells.
	SpawnerName       string
	AuthenticatorName string
}

// Pagination limits lists of the API.
type Pagination struct {
	// DefaultLimit and MaxLimit are api_page_default_limit and
	// api_page_max_limit; zero means the API's defaults.
	DefaultLimit int
	MaxLimit     int
}

// Managed is how the hub runs a service: what it takes beside the command, and
// what is nobody else's business.
type Managed struct {
	// Dir is the working directory. Empty means the hub's.
	Dir string
	// User is the system account. Empty means the hub's.
	User string
	// Environment is added to what the hub sets.
	Environment map[string]string
	// Secrets are values in it that must not reach the log.
	Secrets []string
}

// Tokens limits tokens.
type Tokens struct {
	// MaxLifetime of those requested through the API; zero means no limit.
	MaxLifetime time.Duration
	// OAuthLifetime of those issued by OAuth; zero means that of a session.
	OAuthLifetime time.Duration
}

// Refresh says how logins elsewhere are confirmed while people work; see
// refresh.Options, where zero and negative values mean the same.
type Refresh struct {
	Every, Grace time.Duration
	BeforeStart  bool
}
