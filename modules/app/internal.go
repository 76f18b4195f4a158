package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
)

// Time limits of the internal address; its clients are our own servers.
const (
	internalHeaderTimeout = 10 * time.Second
	internalIdleTimeout   = 2 * time.Minute
	internalStopTimeout   = 5 * time.Second
)

// listen serves the API for single-user servers on the internal address, if
// there is one. During a reload the old and the new configuration share it.
func (a *App) listen() error {
	address := a.internalAddress()
	if address == "" {
		return nil
	}
	parsed, err := caddy.ParseNetworkAddressWithDefaults(address, "tcp", 8081)
	if err != nil {
		return fmt.Errorf("caddyhub: api_listen: %w", err)
	}
	opened, err := parsed.Listen(a.ctx, 0, net.ListenConfig{})
	if err != nil {
		return fmt.Errorf("caddyhub: the API for servers cannot listen on %s: %w", address, err)
	}
	listener, ok := opened.(net.Listener)
	if !ok {
		return fmt.Errorf("caddyhub: api_listen %s: not a stream address", address)
	}
	// Only headers and idle connections have a limit: a read time-out would end
	// answers that stream progress as well.
	server := &http.Server{
		Handler:           http.HandlerFunc(a.serveInternal),
		ReadHeaderTimeout: internalHeaderTimeout,
		IdleTimeout:       internalIdleTimeout,
	}
	a.internal = server
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("the API for servers stopped", "address", address, "error", err)
		}
	}()
	return nil
}

// internalAddress is api_listen, or the address in api_url if that can only
// mean this machine.
func (a *App) internalAddress() string {
	if a.APIListen != "" || a.base.api == nil || a.base.api.Scheme != "http" {
		return a.APIListen
	}
	host := a.base.api.Hostname()
	if net.ParseIP(host) == nil && host != "localhost" {
		return ""
	}
	port := a.base.api.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(host, port)
}

func (a *App) serveInternal(w http.ResponseWriter, r *http.Request) {
	site := a.Site()
	switch {
	case site == nil:
		hub.Unavailable(w)
	case site.API.Serves(r):
		site.API.ServeHTTP(w, r)
	case site.OAuth.Serves(r):
		site.OAuth.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (a *App) stopListening() error {
	if a.internal == nil {
		return nil
	}
	server := a.internal
	a.internal = nil
	ctx, cancel := context.WithTimeout(context.Background(), internalStopTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
