package configproxy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// object is an object of a configuration of Caddy.
type object = map[string]any

// drain is how long requests may take to end when the proxy is told to.
const drain = 5 * time.Second

// config is the configuration that does what the options say, and what should be
// told about it.
func (o *options) config() (*caddy.Config, []string, error) {
	var warnings []string
	certificates, policies, err := o.tlsConfig(&warnings)
	if err != nil {
		return nil, nil, err
	}
	store, err := o.storeConfig(&warnings)
	if err != nil {
		return nil, nil, err
	}
	servers := object{"proxy": o.proxyServer(policies["proxy"]), "api": o.apiServer(policies["api"], &warnings)}
	if o.metrics() {
		servers["metrics"] = o.server(o.metricsAddress(), nil, metricsRoutes())
	}
	if o.redirects() {
		servers["redirect"] = o.server(o.redirectAddress(), nil, o.redirectRoutes())
	}
	hub := object{"store": store}
	if o.defaultTarget != "" {
		hub["default_target"] = o.defaultTarget
	}
	apps := object{
		"caddyhub": hub,
		"http":     object{"servers": servers, "grace_period": drain.String(), "http_port": o.freePort()},
	}
	if len(certificates) > 0 {
		apps["tls"] = object{"certificates": object{"load_pem": certificates}}
	}
	text, err := json.Marshal(object{
		"admin": object{"disabled": true, "config": object{"persist": false}}, "logging": o.logging(), "apps": apps,
	})
	if err != nil {
		return nil, nil, err
	}
	config := new(caddy.Config)
	return config, o.warnings(warnings), json.Unmarshal(text, config)
}

// freePort is a port that none of the servers has: on what Caddy takes for the
// port of plain HTTP it speaks no TLS.
func (o *options) freePort() int {
	taken := make(map[int]bool)
	for _, a := range o.addresses() {
		taken[a.port] = true
	}
	port := 1
	for taken[port] {
		port++
	}
	return port
}

// server is one server of Caddy.
func (o *options) server(at address, policy object, routes []any) object {
	server := object{
		"listen":          []string{at.caddy()},
		"routes":          routes,
		"automatic_https": object{"disable": true},
		"protocols":       []string{"h1"},
	}
	if policy != nil {
		server["tls_connection_policies"] = []any{policy}
		// There is one policy, whatever name a client asks for, and to an IP address
		// it asks for none: Host has nothing to agree with.
		server["strict_sni_host"] = false
		server["protocols"] = []string{"h1", "h2"}
	}
	return server
}

func (o *options) proxyServer(policy object) object {
	server := o.server(o.proxyAddress(), policy, []any{object{"handle": []any{o.proxyHandler()}}})
	// What stands in front of the proxy is believed, as configurable-http-proxy
	// does: hubs rely on it for the scheme of their addresses.
	server["trusted_proxies"] = object{"source": "static", "ranges": []string{"0.0.0.0/0", "::/0"}}
	server["trusted_proxies_unix"] = true
	if policy == nil {
		// Where a server speaks no version of HTTP/2, Caddy hides the sockets of its
		// clients, and each idle WebSocket takes a goroutine and a buffer.
		server["protocols"] = []string{"h1", "h2c"}
	}
	if o.keepAliveTimeout > 0 {
		server["idle_timeout"] = milliseconds(o.keepAliveTimeout)
	}
	return server
}

// proxyHandler is hub_proxy with the options that were given.
func (o *options) proxyHandler() object {
	handler := object{"handler": "hub_proxy"}
	for name, value := range map[string]bool{
		"no_include_prefix": o.noIncludePrefix, "no_prepend_path": o.noPrependPath, "no_x_forward": o.noXForward,
		"change_origin": o.changeOrigin, "auto_rewrite": o.autoRewrite, "insecure": o.insecure, "metrics": o.metrics(),
	} {
		if value {
			handler[name] = true
		}
	}
	for name, value := range map[string]string{
		"protocol_rewrite": strings.TrimSuffix(o.protocolRewrite, ":"), "error_target": o.errorTarget, "error_path": o.errorPath,
		"client_ssl_ca": o.clientCA, "client_ssl_cert": o.clientCert, "client_ssl_key": o.clientKey,
		"timeout": milliseconds(o.timeout), "proxy_timeout": milliseconds(o.proxyTimeout),
	} {
		if value != "" {
			handler[name] = value
		}
	}
	headers := make(map[string]string)
	for _, header := range o.customHeaders {
		name, value, _ := strings.Cut(header, ":")
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if len(headers) > 0 {
		handler["custom_header"] = headers
	}
	return handler
}

func (o *options) apiServer(policy object, warnings *[]string) object {
	handler := object{"handler": "hub_routes_api"}
	if o.token != "" {
		// As it is, whatever it looks like: a token is no placeholder.
		handler["auth_token"] = strings.ReplaceAll(o.token, "{", `\{`)
	} else {
		handler["allow_local"] = true
		*warnings = append(*warnings, "REST API is not authenticated. It answers programs of this machine only; set CONFIGPROXY_AUTH_TOKEN.")
	}
	if o.hostRouting {
		handler["host_routing"] = true
	}
	if o.metrics() {
		handler["metrics"] = true
	}
	return o.server(o.apiAddress(), policy, []any{object{"handle": []any{handler, notFound}}})
}

var notFound = object{"handler": "static_response", "status_code": 404, "body": "Not Found"}

func metricsRoutes() []any {
	return []any{
		object{"match": []any{object{"path": []string{"/metrics"}}}, "handle": []any{object{"handler": "metrics", "disable_openmetrics": true}}, "terminal": true},
		object{"handle": []any{notFound}},
	}
}

// redirectRoutes send the client to the proxy: to the host that it has asked for,
// on the port of the proxy or on another one.
func (o *options) redirectRoutes() []any {
	port := o.port
	if o.redirectTo != 0 {
		port = o.redirectTo
	}
	suffix := ":" + strconv.Itoa(port)
	if port == 443 {
		suffix = ""
	}
	host := object{"Host": object{"name": "host", "pattern": `^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?$`}}
	return []any{
		object{"match": []any{object{"header_regexp": host}}, "terminal": true, "handle": []any{object{
			"handler": "static_response", "status_code": 301,
			"headers": object{"Location": []string{"https://{http.regexp.host.1}" + suffix + "{http.request.uri}"}},
		}}},
		object{"handle": []any{object{
			"handler": "static_response", "status_code": 400,
			"body": fmt.Sprintf("This server is HTTPS-only on port %d, and the request does not say which host it is for.", port),
		}}},
	}
}

// milliseconds is a duration as Caddy reads it; empty for none.
func milliseconds(n int) string {
	if n == 0 {
		return ""
	}
	return (time.Duration(n) * time.Millisecond).String()
}

// unsafeInFile is what the name of a file should not have.
var unsafeInFile = regexp.MustCompile(`[^A-Za-z0-9.]+`)
