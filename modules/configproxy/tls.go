package configproxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"go.step.sm/crypto/pemutil"
)

// tlsConfig are the certificates of the listeners, and their policies by the name
// of the server.
func (o *options) tlsConfig(warnings *[]string) (certificates []object, policies map[string]object, err error) {
	policies = make(map[string]object)
	for _, of := range []struct {
		name, flag, passphrase string
		certificate
	}{{"proxy", "ssl", o.passphrase, o.ssl}, {"api", "api-ssl", o.apiPassphrase, o.apiSSL}} {
		if !of.given() {
			continue
		}
		loaded, name, err := load(of.certificate, of.flag, of.passphrase)
		if err != nil {
			return nil, nil, err
		}
		loaded["tags"] = []string{of.name}
		certificates = append(certificates, loaded)
		policy := object{
			"certificate_selection": object{"any_tag": []string{of.name}},
			// Whatever name a client asks for, there is one certificate.
			"default_sni": name, "fallback_sni": name,
		}
		if err := o.restrict(policy, warnings); err != nil {
			return nil, nil, err
		}
		if of.request {
			policy["client_authentication"] = clientAuthentication(of.ca)
		}
		policies[of.name] = policy
	}
	if o.sslDHParam != "" || o.sslRC4 {
		*warnings = append(*warnings, "--ssl-dhparam and --ssl-allow-rc4 have no effect: key exchange is by elliptic curves, and there is no RC4.")
	}
	return certificates, policies, nil
}

// clientAuthentication refuses clients without a certificate of the authority, or
// of one that the system trusts.
func clientAuthentication(ca string) object {
	authentication := object{"mode": "require_and_verify"}
	if ca != "" {
		authentication["ca"] = object{"provider": "file", "pem_files": []string{ca}}
	}
	return authentication
}

// load reads a certificate and its key, and finds a name of it.
func load(c certificate, flag, passphrase string) (loaded object, name string, err error) {
	if c.key == "" || c.cert == "" {
		return nil, "", fmt.Errorf("--%s-key and --%s-cert belong together", flag, flag)
	}
	chain, err := os.ReadFile(c.cert)
	if err != nil {
		return nil, "", fmt.Errorf("--%s-cert: %w", flag, err)
	}
	key, err := os.ReadFile(c.key)
	if err != nil {
		return nil, "", fmt.Errorf("--%s-key: %w", flag, err)
	}
	if key, err = decrypt(key, passphrase); err != nil {
		return nil, "", fmt.Errorf("--%s-key: %w", flag, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, "", fmt.Errorf("--%s-cert and --%s-key: %w", flag, flag, err)
	}
	if name = nameOf(pair.Leaf); name == "" {
		return nil, "", fmt.Errorf("--%s-cert: the certificate is for no name and no address", flag)
	}
	return object{"certificate": string(chain), "key": string(key)}, name, nil
}

// decrypt takes a passphrase off a key; one without is returned as it is.
func decrypt(key []byte, passphrase string) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("not a key in PEM")
	}
	if block.Type != "ENCRYPTED PRIVATE KEY" && block.Headers["DEK-Info"] == "" {
		return key, nil
	}
	if passphrase == "" {
		return nil, errors.New("the key has a passphrase, and the environment has none")
	}
	parsed, err := pemutil.ParseKey(key, pemutil.WithPassword([]byte(passphrase)))
	if err != nil {
		return nil, errors.New("the passphrase does not open the key")
	}
	plain, err := x509.MarshalPKCS8PrivateKey(parsed)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: plain}), nil
}

func nameOf(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	}
	return leaf.Subject.CommonName
}

// restrict puts --ssl-protocol and --ssl-ciphers into a policy.
func (o *options) restrict(policy object, warnings *[]string) error {
	switch strings.TrimSuffix(o.sslProtocol, "_method") {
	case "", "TLS", "SSLv23":
	case "TLSv1_2":
		policy["protocol_min"], policy["protocol_max"] = "tls1.2", "tls1.2"
	case "TLSv1_3":
		policy["protocol_min"], policy["protocol_max"] = "tls1.3", "tls1.3"
	default:
		return fmt.Errorf("--ssl-protocol %s: only TLSv1_2 and TLSv1_3 are spoken", o.sslProtocol)
	}
	if o.sslCiphers == "" {
		return nil
	}
	var known, unknown []string
	for name := range strings.SplitSeq(o.sslCiphers, ":") {
		if cipher := cipherName(name); cipher != "" {
			known = append(known, cipher)
		} else if name != "" && !strings.HasPrefix(name, "!") {
			unknown = append(unknown, name)
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("--ssl-ciphers: none of %s is one that is spoken here", o.sslCiphers)
	}
	if len(unknown) > 0 {
		*warnings = append(*warnings, "--ssl-ciphers: left out, since they are not spoken here: "+strings.Join(unknown, ", "))
	}
	policy["cipher_suites"] = known
	return nil
}

// cipherName is a cipher of OpenSSL as Go calls it; empty if it is not spoken.
func cipherName(openssl string) string {
	name := "TLS_" + strings.ReplaceAll(openssl, "-", "_")
	name = strings.NewReplacer("AES128", "AES_128", "AES256", "AES_256", "CHACHA20_POLY1305", "CHACHA20_POLY1305_SHA256").Replace(name)
	for _, exchange := range []string{"ECDHE_RSA_", "ECDHE_ECDSA_"} {
		name = strings.Replace(name, exchange, exchange+"WITH_", 1)
	}
	if !strings.Contains(name, "_GCM_") && !strings.Contains(name, "CHACHA20") {
		name = strings.NewReplacer("AES_128_", "AES_128_CBC_", "AES_256_", "AES_256_CBC_").Replace(name)
	}
	if caddytls.CipherSuiteNameSupported(name) {
		return name
	}
	return ""
}
