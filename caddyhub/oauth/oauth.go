package oauth

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/httpstatus"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Options are what a Provider needs. Directory, Browser, Base and Pages are
// required.
type Options struct {
	Directory *identity.Directory
	Browser   *browser.Browser
	// Base is the path of the hub.
	Base hubpath.Base
	// PublicURL is the address of the site as users see it. With it, the consent
	// page shows a redirect_uri that is a path in full. Nil: as it is.
	PublicURL *url.URL
	// Pages shows what people see.
	Pages Pages
	// Lifetime of the tokens (JupyterHub's oauth_token_expires_in). Zero means
	// the greatest lifetime of a browser session.
	Lifetime time.Duration
	// Observe, unless nil, is told of every request that was answered: the
	// pattern of its path, its method, the status and how long it took.
	Observe func(handler, method string, status int, took time.Duration)
	// Audit records who let which client in, and each token that is issued; nil
	// discards.
	Audit *audit.Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Provider answers the two addresses of the OAuth provider. It is safe for
// concurrent use, and any node may answer any request.
type Provider struct {
	directory *identity.Directory
	browser   *browser.Browser
	base      hubpath.Base
	// authorizePath and tokenPath are the two.
	authorizePath, tokenPath string

	public   *url.URL
	pages    Pages
	lifetime time.Duration
	observe  func(handler, method string, status int, took time.Duration)
	audit    *audit.Log
	now      func() time.Time
	log      *slog.Logger
}

// New makes a Provider.
func New(options Options) *Provider {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Provider{
		directory:     options.Directory,
		browser:       options.Browser,
		base:          options.Base,
		authorizePath: options.Base.API("oauth2/authorize"),
		tokenPath:     options.Base.API("oauth2/token"),
		public:        options.PublicURL,
		pages:         options.Pages,
		lifetime:      options.Lifetime,
		observe:       options.Observe,
		audit:         options.Audit,
		now:           options.Now,
		log:           options.Log,
	}
}

// Serves says whether a request is for one of the provider's addresses,
// {hub}api/oauth2/authorize and {hub}api/oauth2/token, in exactly this spelling.
func (p *Provider) Serves(r *http.Request) bool {
	path := r.URL.EscapedPath()
	return path == p.authorizePath || path == p.tokenPath
}

// ServeHTTP answers a request that Serves recognises; any other gets a 404.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, begun, handler := &httpstatus.Recorder{ResponseWriter: w}, p.now(), "unknown"
	switch r.URL.EscapedPath() {
	case p.authorizePath:
		handler = "authorize"
		p.serveAuthorize(answer, r)
	case p.tokenPath:
		handler = "token"
		p.serveToken(answer, r)
	default:
		http.NotFound(answer, r)
	}
	if p.observe != nil {
		p.observe("oauth "+handler, r.Method, answer.Status(), p.now().Sub(begun))
	}
}

// tokenLifetime is how long a token issued now is good.
func (p *Provider) tokenLifetime() time.Duration {
	if p.lifetime > 0 {
		return p.lifetime
	}
	return p.directory.SessionLifetime()
}
