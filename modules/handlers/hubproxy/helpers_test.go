package hubproxy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// authority is an upstream with TLS that this test process trusts, as a service
// in an organisation with an authority of its own.
var authority *httptest.Server

// proxied counts what came to the proxy that the environment names.
var proxied atomic.Int64

// TestMain makes the roots of the system those of authority, before they are
// read for the first time, and names a proxy that no upstream must be reached by.
func TestMain(m *testing.M) {
	authority = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Host + " over " + r.TLS.ServerName))
	}))
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	folder, err := os.MkdirTemp("", "hubproxy")
	if err != nil {
		panic(err)
	}
	roots := filepath.Join(folder, "roots.pem")
	if err := os.WriteFile(roots, pemOf(authority.Certificate()), 0o600); err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "SSL_CERT_FILE": roots, "SSL_CERT_DIR": folder,
		"HTTP_PROXY": proxy.URL, "HTTPS_PROXY": proxy.URL, "NO_PROXY": "",
	} {
		os.Setenv(name, value)
	}
	code := m.Run()
	authority.Close()
	proxy.Close()
	os.RemoveAll(folder)
	os.Exit(code)
}

// front is hub_proxy behind a real HTTP server, with one route.
type front struct {
	*httptest.Server
	handler *Handler
	mu      sync.Mutex
	errs    []error
}

func newFront(t *testing.T, target string) *front {
	t.Helper()
	to, err := route.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{WriterRaw: []byte(`{"output":"discard"}`)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	f := &front{handler: new(Handler)}
	if err := f.handler.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))
		caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, "192.0.2.7")
		caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, false)
		err := f.handler.ServeHTTP(w, WithRoute(r, route.Route{Target: to}), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
		if err != nil {
			f.mu.Lock()
			f.errs = append(f.errs, err)
			f.mu.Unlock()
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// failed takes the errors that the handler has returned.
func (f *front) failed() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := f.errs
	f.errs = nil
	return errs
}
