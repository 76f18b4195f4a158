package hubproxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/direct"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/proxymetrics"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Direct is what hub_proxy does in an app without a hub: it sends every request
// where the routing table says, as configurable-http-proxy does. Its options are
// those of configurable-http-proxy's command line; with a hub there are none.
type Direct struct {
	// NoIncludePrefix takes the path of the route off that of the request.
	// Default: the path goes on as it is.
	NoIncludePrefix bool `json:"no_include_prefix,omitempty"`
	// NoPrependPath leaves out path and query of the target. Default: they go
	// before those of the request.
	NoPrependPath bool `json:"no_prepend_path,omitempty"`
	// ChangeOrigin sends the host of the target as Host. Default: that of the
	// request.
	ChangeOrigin bool `json:"change_origin,omitempty"`
	// NoXForward adds no X-Forwarded headers. Default: it adds X-Forwarded-For,
	// -Host, -Port and -Proto, in place of the client's unless Caddy trusts it
	// (trusted_proxies).
	NoXForward bool `json:"no_x_forward,omitempty"`
	// CustomHeader are headers that replace those of the request.
	CustomHeader map[string]string `json:"custom_header,omitempty"`
	// AutoRewrite puts the Host of the request into redirections of an upstream to
	// itself.
	AutoRewrite bool `json:"auto_rewrite,omitempty"`
	// ProtocolRewrite is the scheme that these get. Default: it stays.
	ProtocolRewrite string `json:"protocol_rewrite,omitempty"`
	// Timeout ends a request when nothing has moved between client and proxy for
	// so long. It does not hold for WebSockets. Default: never.
	Timeout words.Duration `json:"timeout,omitempty"`
	// ProxyTimeout is how long an upstream may be silent; then the answer is 503.
	// It does not hold for WebSockets. Default: for ever.
	ProxyTimeout words.Duration `json:"proxy_timeout,omitempty"`
	// ErrorTarget is asked for the page of a refusal, at STATUS?url=TARGET below
	// it: "http://127.0.0.1:8081/hub/error". Default: short pages of our own.
	ErrorTarget string `json:"error_target,omitempty"`
	// ErrorPath is a folder with pages, STATUS.html and error.html. It and
	// error_target exclude each other. Default: short pages of our own.
	ErrorPath string `json:"error_path,omitempty"`
	// ClientSSLCA is a file with the certificates that those of https targets are
	// verified by. Default: the system's.
	ClientSSLCA string `json:"client_ssl_ca,omitempty"`
	// ClientSSLCert and ClientSSLKey are files with what this proxy shows to
	// upstreams. Default: nothing.
	ClientSSLCert string `json:"client_ssl_cert,omitempty"`
	// ClientSSLKey belongs to client_ssl_cert.
	ClientSSLKey string `json:"client_ssl_key,omitempty"`
	// Insecure verifies no certificate of an upstream.
	Insecure bool `json:"insecure,omitempty"`
	// Metrics counts what is done, under configurable-http-proxy's names, in the
	// metrics of Caddy. Default: it does not.
	Metrics bool `json:"metrics,omitempty"`

	app     *app.App
	handler *direct.Handler
	pages   *direct.ErrorTarget
}

// given says whether any option is set, and what makes one data path different
// from another.
func (d *Direct) given() (bool, string) {
	text, _ := json.Marshal(d)
	path, _ := json.Marshal(Direct{
		ProxyTimeout: d.ProxyTimeout, ClientSSLCA: d.ClientSSLCA, ClientSSLCert: d.ClientSSLCert,
		ClientSSLKey: d.ClientSSLKey, Insecure: d.Insecure,
	})
	return string(text) != "{}", string(path)
}

// provision finds the app, if that is a proxy without a hub.
func (d *Direct) provision(ctx caddy.Context) error {
	given, _ := d.given()
	found, err := app.Any(ctx, "hub_proxy")
	if err != nil || !found.ProxyOnly() {
		if given {
			return errors.Join(errors.New("hub_proxy: options are for an app that is a proxy without a hub; here hub_auth has decided what is forwarded, and how"), err)
		}
		return nil
	}
	if d.ErrorTarget != "" && d.ErrorPath != "" {
		return errors.New("hub_proxy: cannot specify both error_target and error_path. Pick one")
	}
	d.app = found
	return nil
}

// open makes the handler.
func (d *Direct) open(ctx caddy.Context) error {
	options, err := d.options(ctx)
	if err != nil {
		return err
	}
	d.handler = direct.New(options)
	return nil
}

func (d *Direct) options(ctx caddy.Context) (direct.Options, error) {
	options := direct.Options{
		OmitPrefix: d.NoIncludePrefix, OmitTargetPath: d.NoPrependPath, ChangeOrigin: d.ChangeOrigin,
		OmitForwarded: d.NoXForward, Trusted: trusted,
		RewriteHost: d.AutoRewrite, RewriteScheme: d.ProtocolRewrite,
		ClientTimeout: time.Duration(d.Timeout), Log: ctx.Slogger(),
	}
	for name, value := range d.CustomHeader {
		options.Header = append(options.Header, proxy.Field{Name: textproto.CanonicalMIMEHeaderKey(name), Value: value})
	}
	var err error
	if options.Pages, err = d.errorPages(ctx); err != nil {
		return options, err
	}
	if d.Metrics {
		if options.Metrics, err = proxymetrics.Of(ctx); err != nil {
			return options, err
		}
	}
	return options, nil
}

func (d *Direct) errorPages(ctx caddy.Context) (direct.Pages, error) {
	switch {
	case d.ErrorPath != "":
		return direct.Folder{Path: d.ErrorPath, Log: ctx.Slogger()}, nil
	case d.ErrorTarget == "":
		return direct.OwnPages{}, nil
	}
	target, err := route.ParseTargetURL(d.ErrorTarget)
	if err != nil {
		return nil, fmt.Errorf("hub_proxy: error_target: %w", err)
	}
	config, err := d.tls()
	if err != nil {
		return nil, err
	}
	d.pages = direct.NewErrorTarget(target, config, ctx.Slogger())
	return d.pages, nil
}

// cleanup closes what the handler has kept open.
func (d *Direct) cleanup() {
	if d.pages != nil {
		d.pages.Close()
	}
}

// serve sends a request where the routing table says. Behind no gate, and in an
// app that has one, there is nowhere to send it.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if h.app == nil {
		return caddyhttp.Error(http.StatusNotFound, errors.New("hub_proxy: no route; it belongs behind hub_auth"))
	}
	routes := h.app.Routes(r.Context())
	if routes == nil || h.handler == nil {
		direct.Unavailable(w)
		return nil
	}
	h.handler.Serve(w, r, routes.Table(), h.proxy.Serve)
	return nil
}

// trusted says whether Caddy trusts who speaks to it.
func trusted(r *http.Request) bool {
	yes, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return yes
}

// words are the options in a Caddyfile.
func (d *Direct) words() map[string]words.Word {
	return map[string]words.Word{
		"no_include_prefix": words.ToTrue(&d.NoIncludePrefix),
		"no_prepend_path":   words.ToTrue(&d.NoPrependPath),
		"change_origin":     words.ToTrue(&d.ChangeOrigin),
		"no_x_forward":      words.ToTrue(&d.NoXForward),
		"custom_header":     customHeader(&d.CustomHeader),
		"auto_rewrite":      words.ToTrue(&d.AutoRewrite),
		"protocol_rewrite":  words.ToText(&d.ProtocolRewrite),
		"timeout":           words.ToDuration(&d.Timeout),
		"proxy_timeout":     words.ToDuration(&d.ProxyTimeout),
		"error_target":      words.ToText(&d.ErrorTarget),
		"error_path":        words.ToText(&d.ErrorPath),
		"client_ssl_ca":     words.ToText(&d.ClientSSLCA),
		"client_ssl_cert":   words.ToText(&d.ClientSSLCert),
		"client_ssl_key":    words.ToText(&d.ClientSSLKey),
		"insecure":          words.ToTrue(&d.Insecure),
		"metrics":           words.ToTrue(&d.Metrics),
	}
}
