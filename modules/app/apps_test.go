package app

import (
	"net/url"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

// TestGuests: a login is handed over to hosts of apps and to no others, and never
// to the hub itself.
func TestGuests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		public, listen string
		hosts          []string
		has, hasNot    []string
		origins        []string
	}{
		"https": {
			"https://hub.example.org", ":443", []string{"grafana.example.org", "hub.example.org"},
			[]string{"grafana.example.org"},
			[]string{"hub.example.org", "grafana.example.org:8443", "evil.example.org", "x.grafana.example.org", "grafana.example.org.evil", ""},
			[]string{"https://grafana.example.org", "https://hub.example.org"},
		},
		"a port, with something in front of Caddy that has another": {
			"https://hub.example.org", ":8443", []string{"Grafana.example.org"},
			[]string{"grafana.example.org", "grafana.example.org:8443"}, []string{"grafana.example.org:9443"},
			[]string{"https://grafana.example.org", "https://grafana.example.org:8443"},
		},
		"any first label": {
			"http://hub.example.org", ":80", []string{"*.apps.example.org"},
			[]string{"a.apps.example.org"}, []string{"apps.example.org", "a.b.apps.example.org", "a.example.org", "apps.example.org.a"},
			[]string{"http://*.apps.example.org"},
		},
	} {
		public, err := url.Parse(test.public)
		if err != nil {
			t.Fatal(err)
		}
		address, err := caddy.ParseNetworkAddress(test.listen)
		if err != nil {
			t.Fatal(err)
		}
		g := newGuests(public)
		for _, host := range test.hosts {
			g.add(served{host: host, address: address})
		}
		for _, host := range slices.Concat(test.has, test.hasNot) {
			if got := g.has(host); got != slices.Contains(test.has, host) {
				t.Errorf("%s: %q: %v", name, host, got)
			}
		}
		if diff := cmp.Diff(test.origins, g.origins()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
