package configproxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// options are the command line.
type options struct {
	ip, socket               string
	port                     int
	apiIP, apiSocket         string
	apiPort                  int
	metricsIP, metricsSocket string
	metricsPort              int

	ssl, apiSSL                         certificate
	clientKey, clientCert, clientCA     string
	clientRequest, clientReject         bool
	sslProtocol, sslCiphers, sslDHParam string
	sslRC4                              bool

	defaultTarget, errorTarget, errorPath string
	redirectPort, redirectTo              int
	pidFile                               string

	noXForward, noPrependPath, noIncludePrefix bool
	autoRewrite, changeOrigin                  bool
	protocolRewrite                            string
	customHeaders                              []string
	insecure, hostRouting                      bool

	logLevel                                string
	timeout, proxyTimeout, keepAliveTimeout int
	storageBackend, store                   string
	version                                 bool
	token, passphrase, apiPassphrase        string
	allInterfacesOld                        bool
	// given says whether an option was on the command line.
	given func(name string) bool
}

// certificate is what one listener shows, and asks for.
type certificate struct {
	key, cert, ca   string
	request, reject bool
}

func (c certificate) given() bool { return c.key != "" || c.cert != "" }

// register declares the options, in the order in which configurable-http-proxy
// has them.
func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	o.given = f.Changed
	f.StringVar(&o.ip, "ip", "", "Public-facing IP of the proxy")
	f.IntVar(&o.port, "port", 8000, "Public-facing port of the proxy")
	f.StringVar(&o.socket, "socket", "", "Unix socket for the proxy to listen on, instead of IP and port")
	o.registerTLS(f)
	f.StringVar(&o.defaultTarget, "default-target", "", "Where requests go that no route is for (proto://host[:port])")
	f.StringVar(&o.errorTarget, "error-target", "", "Server for pages of errors (proto://host[:port])")
	f.StringVar(&o.errorPath, "error-path", "", "Folder with pages of errors")
	f.IntVar(&o.redirectPort, "redirect-port", 0, "Redirect HTTP requests on this port to the server on HTTPS")
	f.IntVar(&o.redirectTo, "redirect-to", 0, "Redirect HTTP requests from --redirect-port to this port")
	f.StringVar(&o.pidFile, "pid-file", "", "Write our PID to a file")
	f.BoolVar(&o.noXForward, "no-x-forward", false, "Add no X-Forwarded headers to proxied requests")
	f.BoolVar(&o.noPrependPath, "no-prepend-path", false, "Do not put the path of the target before that of requests")
	f.BoolVar(&o.noIncludePrefix, "no-include-prefix", false, "Take the prefix of the route off the path of requests")
	f.BoolVar(&o.autoRewrite, "auto-rewrite", false, "Rewrite host and port of the Location header in redirections")
	f.BoolVar(&o.changeOrigin, "change-origin", false, "Send the host of the target as Host")
	f.StringVar(&o.protocolRewrite, "protocol-rewrite", "", "Rewrite the protocol of the Location header in redirections to this one")
	f.StringArrayVar(&o.customHeaders, "custom-header", nil, "Header to add to proxied requests, NAME:VALUE; may be repeated")
	f.BoolVar(&o.insecure, "insecure", false, "Do not verify certificates of targets")
	f.BoolVar(&o.hostRouting, "host-routing", false, "Take the host for the first level of the path")
	f.StringVar(&o.metricsIP, "metrics-ip", "", "IP for metrics")
	f.IntVar(&o.metricsPort, "metrics-port", 0, "Port for metrics (default: none)")
	f.StringVar(&o.metricsSocket, "metrics-socket", "", "Unix socket for metrics, instead of IP and port")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.IntVar(&o.timeout, "timeout", 0, "Milliseconds after which a request is dropped in which the client does nothing")
	f.IntVar(&o.proxyTimeout, "proxy-timeout", 0, "Milliseconds for which a target may be silent")
	f.StringVar(&o.storageBackend, "storage-backend", "", "Refused: modules of Node cannot be loaded; see --store")
	f.IntVar(&o.keepAliveTimeout, "keep-alive-timeout", 0, "Milliseconds for which an idle connection of a client is kept (default: five minutes)")
	f.StringVar(&o.store, "store", "", "Where routes are kept: a file, \"memory\", or redis://HOST:PORT")
	f.BoolVarP(&o.version, "version", "V", false, "Print the version of configurable-http-proxy that this is like")
}

func (o *options) registerTLS(f *pflag.FlagSet) {
	f.StringVar(&o.ssl.key, "ssl-key", "", "TLS key, if any")
	f.StringVar(&o.ssl.cert, "ssl-cert", "", "TLS certificate, if any")
	f.StringVar(&o.ssl.ca, "ssl-ca", "", "Authority that certificates of clients are verified by")
	f.BoolVar(&o.ssl.request, "ssl-request-cert", false, "Ask clients for certificates")
	f.BoolVar(&o.ssl.reject, "ssl-reject-unauthorized", false, "Refuse clients without a valid certificate, as --ssl-request-cert does anyway")
	f.StringVar(&o.sslProtocol, "ssl-protocol", "", "The only protocol spoken: TLSv1_2 or TLSv1_3 (default: both)")
	f.StringVar(&o.sslCiphers, "ssl-ciphers", "", "List of ciphers as OpenSSL calls them, with colons between them")
	f.BoolVar(&o.sslRC4, "ssl-allow-rc4", false, "Without effect: there is no RC4")
	f.StringVar(&o.sslDHParam, "ssl-dhparam", "", "Without effect: key exchange is by elliptic curves")
	f.StringVar(&o.apiIP, "api-ip", "localhost", "Inward-facing IP for API requests")
	f.IntVar(&o.apiPort, "api-port", 0, "Inward-facing port for API requests (default: --port plus 1)")
	f.StringVar(&o.apiSocket, "api-socket", "", "Unix socket for API requests, instead of IP and port")
	f.StringVar(&o.apiSSL.key, "api-ssl-key", "", "TLS key for API requests, if any")
	f.StringVar(&o.apiSSL.cert, "api-ssl-cert", "", "TLS certificate for API requests, if any")
	f.StringVar(&o.apiSSL.ca, "api-ssl-ca", "", "Authority that certificates of API clients are verified by")
	f.BoolVar(&o.apiSSL.request, "api-ssl-request-cert", false, "Ask API clients for certificates")
	f.BoolVar(&o.apiSSL.reject, "api-ssl-reject-unauthorized", false, "Refuse API clients without a valid certificate, as --api-ssl-request-cert does anyway")
	f.StringVar(&o.clientKey, "client-ssl-key", "", "TLS key to show to targets, if any")
	f.StringVar(&o.clientCert, "client-ssl-cert", "", "TLS certificate to show to targets, if any")
	f.StringVar(&o.clientCA, "client-ssl-ca", "", "Authority that certificates of targets are verified by")
	f.BoolVar(&o.clientRequest, "client-ssl-request-cert", false, "Without effect: targets always show a certificate")
	f.BoolVar(&o.clientReject, "client-ssl-reject-unauthorized", false, "Without effect: it is so unless --insecure is given")
}

// complete reads the environment and checks what can be checked alone.
func (o *options) complete(environment func(string) string) error {
	o.token = environment("CONFIGPROXY_AUTH_TOKEN")
	o.passphrase = environment("CONFIGPROXY_SSL_KEY_PASSPHRASE")
	o.apiPassphrase = environment("CONFIGPROXY_API_SSL_KEY_PASSPHRASE")
	o.store = cmp.Or(o.store, environment("CADDYHUB_PROXY_STORE"))
	o.logLevel = strings.ToLower(o.logLevel)
	o.port = cmp.Or(o.port, 8000)
	if o.apiPort == 0 {
		o.apiPort = o.port + 1
		if o.socket != "" {
			o.apiPort = 8001
		}
	}
	if o.ip == "*" {
		o.ip, o.allInterfacesOld = "", true
	}
	return errors.Join(o.checkChoices(), o.checkPorts(), o.checkTimes())
}

func (o *options) checkChoices() error {
	switch {
	case o.storageBackend != "":
		return errors.New("--storage-backend: modules of Node cannot be loaded here; --store keeps routes in a file or in Redis")
	case o.socket != "" && (o.given("ip") || o.given("port")):
		return errors.New("--socket cannot be used with --ip or --port")
	case o.redirectPort != 0 && !o.ssl.given():
		return errors.New("HTTPS redirection specified but certificates not provided.") //nolint:staticcheck // the text is configurable-http-proxy's
	case o.errorTarget != "" && o.errorPath != "":
		return errBothPages
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, o.logLevel):
		return fmt.Errorf("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	for _, header := range o.customHeaders {
		if name, _, found := strings.Cut(strings.TrimSpace(header), ":"); !found || strings.TrimSpace(name) == "" {
			return fmt.Errorf("A colon was expected in custom header: %s", strings.TrimSpace(header)) //nolint:staticcheck // the text is configurable-http-proxy's
		}
	}
	return nil
}

func (o *options) checkPorts() error {
	for _, port := range []int{o.port, o.apiPort, o.metricsPort, o.redirectPort, o.redirectTo} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("%d is no port: want 1 to 65535", port)
		}
	}
	return nil
}

func (o *options) checkTimes() error {
	for name, milliseconds := range map[string]int{"timeout": o.timeout, "proxy-timeout": o.proxyTimeout, "keep-alive-timeout": o.keepAliveTimeout} {
		if milliseconds < 0 {
			return fmt.Errorf("--%s is a number of milliseconds, not %d", name, milliseconds)
		}
	}
	return nil
}

// address is where a listener is: a socket, or an IP address or name, empty for
// all interfaces, and a port.
type address struct {
	what, socket, ip string
	port             int
}

// caddy is the address as Caddy's configuration has it.
func (a address) caddy() string {
	if a.socket != "" {
		return "unix/" + a.socket
	}
	return net.JoinHostPort(a.ip, strconv.Itoa(a.port))
}

// String is the address as people read it.
func (a address) String() string {
	if a.socket != "" {
		return a.socket
	}
	return net.JoinHostPort(cmp.Or(a.ip, "*"), strconv.Itoa(a.port))
}

func (o *options) proxyAddress() address {
	return address{"the proxy", o.socket, o.ip, o.port}
}

func (o *options) apiAddress() address {
	return address{"the API", o.apiSocket, o.apiIP, o.apiPort}
}

func (o *options) metricsAddress() address {
	return address{"metrics", o.metricsSocket, o.metricsIP, o.metricsPort}
}

func (o *options) metrics() bool { return o.metricsPort != 0 || o.metricsSocket != "" }

// redirects says whether plain HTTP is redirected: not where the proxy itself has
// the port of plain HTTP.
func (o *options) redirects() bool {
	return o.redirectPort != 0 && o.socket == "" && o.port != 80
}

func (o *options) redirectAddress() address {
	return address{"the redirection", "", "", o.redirectPort}
}

// addresses are all that is listened on.
func (o *options) addresses() []address {
	all := []address{o.proxyAddress(), o.apiAddress()}
	if o.metrics() {
		all = append(all, o.metricsAddress())
	}
	if o.redirects() {
		all = append(all, o.redirectAddress())
	}
	return all
}
