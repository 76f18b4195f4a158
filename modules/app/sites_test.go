package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddyhub/caddyhub/modules"
	"github.com/caddyhub/caddyhub/modules/app"
)

// TestMain keeps Caddy's files out of the home of whoever runs the tests.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "app")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_DATA_HOME", folder)
	os.Setenv("XDG_CONFIG_HOME", folder)
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// load provisions a Caddyfile: the words of the block caddyhub, and sites.
func load(t *testing.T, words, sites string) *app.App {
	t.Helper()
	text := "{\n\tadmin off\n\tskip_install_trust\n\tcaddyhub {\n\t\tauthenticator null\n\t\tspawner process\n\t\t" + words + "\n\t}\n}\n" + sites
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{WriterRaw: []byte(`{"output":"discard"}`)}},
	}}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := ctx.AppIfConfigured("caddyhub")
	if err != nil {
		t.Fatal(err)
	}
	return loaded.(*app.App)
}

// TestOrigins: what browsers call the hub, and where this machine reaches it,
// by the sites that serve it.
func TestOrigins(t *testing.T) {
	for name, test := range map[string]struct{ sites, public, local string }{
		"a name":            {"hub.example.org {\nhub\n}", "https://hub.example.org", ""},
		"a port":            {"hub.example.org:8443 {\nhub\n}", "https://hub.example.org:8443", ""},
		"plain":             {"http://hub.example.org {\nhub\n}", "http://hub.example.org", ""},
		"plain, a port":     {"http://hub.example.org:8000 {\nhub\n}", "http://hub.example.org:8000", ""},
		"any host":          {":8000 {\nhub\n}", "", "http://127.0.0.1:8000"},
		"any host, bound":   {":8000 {\nbind 10.0.0.1\nhub\n}", "", "http://10.0.0.1:8000"},
		"any, bound to six": {":8000 {\nbind ::1\nhub\n}", "", "http://[::1]:8000"},
		"wildcard":          {"*.example.org {\ntls internal\nhub\n}", "", ""},
		"wildcard and name": {"*.example.org, hub.example.org {\ntls internal\nhub\n}", "https://hub.example.org", ""},
		"plain and TLS":     {"http://hub.example.org, https://hub.example.org {\nhub\n}", "https://hub.example.org", ""},
		"two sites":         {"example.org {\nrespond ok\n}\nhub.example.org {\nhub\n}", "https://hub.example.org", ""},
		"below a path":      {"hub.example.org {\nhandle /jupyter/* {\nhub\n}\n}", "https://hub.example.org", ""},
		"pages alone":       {"hub.example.org {\nhub_login\n}", "https://hub.example.org", ""},
		"no hub at all":     {"hub.example.org {\nrespond ok\n}", "", ""},
		"unix socket":       {":8000 {\nbind unix//run/hub.sock\nhub\n}", "", ""},
	} {
		public, local := load(t, "", test.sites).Origins()
		if public != test.public || local != test.local {
			t.Errorf("%s: public %q, local %q; want %q, %q", name, public, local, test.public, test.local)
		}
	}
}

// TestInternalAddress: the address for servers is listened on only if it
// certainly is of this machine.
func TestInternalAddress(t *testing.T) {
	for words, want := range map[string]string{
		"": "", "api_url http://127.0.0.1:8081": "127.0.0.1:8081", "api_url http://[::1]:8081": "[::1]:8081",
		"api_url http://localhost": "localhost:80", "api_url https://127.0.0.1:8081": "",
		"api_url http://hub.internal:8081":                            "",
		"api_url http://hub.internal:8081\n\t\tapi_listen 10.0.0.1:9": "10.0.0.1:9",
	} {
		if got := load(t, words, ":8000 {\nhub\n}").InternalAddress(); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

// TestPrepare: limits and logs go by the client that Caddy has found, and by
// nothing that a header says.
func TestPrepare(t *testing.T) {
	for name, test := range map[string]struct{ peer, client, want string }{
		"direct":         {"192.0.2.1:4711", "192.0.2.1", "192.0.2.1:4711"},
		"behind a proxy": {"10.0.0.1:4711", "192.0.2.1", "192.0.2.1:4711"},
		"version six":    {"10.0.0.1:4711", "2001:db8::1", "[2001:db8::1]:4711"},
		"unknown":        {"10.0.0.1:4711", "", "10.0.0.1:4711"},
		"unix socket":    {"@", "192.0.2.1", "192.0.2.1:0"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), new(caddyhttp.Server))
		r.RemoteAddr = test.peer
		caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, test.client)
		if got := app.Prepare(r); got.RemoteAddr != test.want || r.RemoteAddr != test.peer {
			t.Errorf("%s: %q, and the request itself %q; want %q", name, got.RemoteAddr, r.RemoteAddr, test.want)
		}
	}
}
