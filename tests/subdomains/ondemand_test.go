package subdomains_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// With on-demand TLS there are certificates for hosts that the hub has, and whoever
// asks for any other gets none.
func TestCertificatesOnDemand(t *testing.T) {
	t.Parallel()
	port := hubtest.FreePort(t)
	town := newTown(t, hubtest.Options{
		Spawner: upstream.Spawner(t), Admins: []string{"root"}, Hosts: []string{domain},
		Global: "on_demand_tls {\n\t\tpermission caddyhub\n\t}",
		More:   fmt.Sprintf("https://*."+domain+":%d {\n\tbind 127.0.0.1\n\ttls {\n\t\tissuer internal\n\t\ton_demand\n\t}\n\thub\n}\n", port),
		Hub:    "service weather {\n\t\t\turl http://127.0.0.1:1\n\t\t}\n\t\tservice weather_2 {\n\t\t\turl http://127.0.0.1:1\n\t\t}",
	})
	for _, user := range []string{"ada", "jürgen"} {
		town.LogIn(user)
	}
	strange := "ada@example.org"
	town.server(strange)
	const label = "u-adaexamp--cfe00dde46ef942601ffafb9e2825e80"
	for name, want := range map[string]bool{
		domain:                            true,
		strings.ToUpper(domain):           true,
		"ada." + domain:                   true,
		"root." + domain:                  true,
		"xn--jrgen-kva." + domain:         true,
		label + "." + domain:              true,
		"weather--service." + domain:      true,
		"nobody." + domain:                false,
		"rain--service." + domain:         false,
		"x.ada." + domain:                 false,
		"ada." + domain + ".evil.example": false,
		"ada-" + domain:                   false,
		"evil.example":                    false,
		"u-adaexamp--cfe00dd." + domain:   false,
		"xn--zzzzzzzzzz." + domain:        false,
		"xn--ada-." + domain:              false,
		"localhost":                       false,
	} {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint:gosec // whether there is a certificate is the question
		if err == nil {
			err = conn.ConnectionState().PeerCertificates[0].VerifyHostname(name)
			_ = conn.Close() // nothing was sent
		}
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
