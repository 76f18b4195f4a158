package direct

import (
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// answer is a ResponseWriter that is looked at.
type answer struct {
	http.ResponseWriter
	handler *Handler
	target  route.Target
	host    string
	written bool
}

// Unwrap lets a ResponseController reach what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader rewrites a redirection, and counts.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK && !a.written {
		a.written = true
		a.rewrite(status)
		if metrics := a.handler.options.Metrics; metrics != nil {
			metrics.Answered(status)
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.written {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(p)
}

// Flush sends what has been written.
func (a *answer) Flush() {
	_ = http.NewResponseController(a.ResponseWriter).Flush() // as http.Flusher, which reports nothing
}

// rewrite turns a redirection of the upstream to itself into one to the proxy.
func (a *answer) rewrite(status int) {
	options := a.handler.options
	switch status {
	case http.StatusCreated, http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return
	}
	if !options.RewriteHost && options.RewriteScheme == "" {
		return
	}
	location, err := url.Parse(a.Header().Get("Location"))
	if err != nil || location.Host == "" || location.User != nil {
		return
	}
	to, err := route.ParseTarget(location.Scheme + "://" + location.Host)
	if err != nil || to.Address() != a.target.Address() {
		return
	}
	if options.RewriteHost {
		location.Host = a.host
	}
	if options.RewriteScheme != "" {
		location.Scheme = options.RewriteScheme
	}
	a.Header().Set("Location", location.String())
}
