package hubproxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// proxyOptions are those of the data path.
func (d *Direct) proxyOptions() (proxy.Options, error) {
	config, err := d.tls()
	return proxy.Options{ResponseTimeout: time.Duration(d.ProxyTimeout), TLS: config}, err
}

// tls is how upstreams are verified, and what they are shown; nil without an
// option.
func (d *Direct) tls() (*tls.Config, error) {
	if (d.ClientSSLCert == "") != (d.ClientSSLKey == "") {
		return nil, errors.New("hub_proxy: client_ssl_cert and client_ssl_key belong together")
	}
	if d.ClientSSLCA == "" && d.ClientSSLCert == "" && !d.Insecure {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: d.Insecure} //nolint:gosec // it is asked for
	if d.ClientSSLCA != "" {
		text, err := os.ReadFile(d.ClientSSLCA)
		if err != nil {
			return nil, fmt.Errorf("hub_proxy: client_ssl_ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("hub_proxy: client_ssl_ca: no certificate in %s", d.ClientSSLCA)
		}
	}
	if d.ClientSSLCert != "" {
		pair, err := tls.LoadX509KeyPair(d.ClientSSLCert, d.ClientSSLKey)
		if err != nil {
			return nil, fmt.Errorf("hub_proxy: client_ssl_cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func customHeader(into *map[string]string) words.Word {
	return words.Many(func(d *caddyfile.Dispenser) error {
		return words.Pair(d, "a name and a value", into, words.Plain)
	})
}
