package configproxy

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// parse reads a command line.
func parse(t *testing.T, environment map[string]string, line ...string) (*options, error) {
	t.Helper()
	o, f := new(options), pflag.NewFlagSet(Name, pflag.ContinueOnError)
	o.register(f)
	if err := f.Parse(line); err != nil {
		return nil, err
	}
	return o, o.complete(func(name string) string { return environment[name] })
}

// apps are those of the configuration that a command line gives.
func apps(t *testing.T, environment map[string]string, line ...string) (map[string]any, []string) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	o, err := parse(t, environment, line...)
	if err != nil {
		t.Fatal(err)
	}
	config, warnings, err := o.config()
	if err != nil {
		t.Fatal(err)
	}
	apps := make(map[string]any)
	for name, raw := range config.AppsRaw {
		var app any
		if err := json.Unmarshal(raw, &app); err != nil {
			t.Fatal(err)
		}
		apps[name] = app
	}
	return apps, warnings
}

// at is what stands under a path of names and numbers.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

func TestArguments(t *testing.T) {
	for called, want := range map[string]string{
		"/usr/bin/configurable-http-proxy --ip x": "/usr/bin/configurable-http-proxy configurable-http-proxy --ip x",
		"configurable-http-proxy":                 "configurable-http-proxy configurable-http-proxy",
		"configurable-http-proxy.exe -V":          "configurable-http-proxy.exe configurable-http-proxy -V",
		"caddyhub configurable-http-proxy":        "caddyhub configurable-http-proxy",
		"configurable-http-proxy-2 run":           "configurable-http-proxy-2 run",
	} {
		if got := strings.Join(Arguments(strings.Fields(called)), " "); got != want {
			t.Errorf("%s: %s", called, got)
		}
	}
	if got := Arguments(nil); got != nil {
		t.Errorf("nothing: %v", got)
	}
}

// TestEveryOption: whoever replaces the original has each of its options, and
// none of another kind.
func TestEveryOption(t *testing.T) {
	const theirs = `ip port socket ssl-key ssl-cert ssl-ca ssl-request-cert ssl-reject-unauthorized ssl-protocol ssl-ciphers
		ssl-allow-rc4 ssl-dhparam api-ip api-port api-socket api-ssl-key api-ssl-cert api-ssl-ca api-ssl-request-cert
		api-ssl-reject-unauthorized client-ssl-key client-ssl-cert client-ssl-ca client-ssl-request-cert
		client-ssl-reject-unauthorized default-target error-target error-path redirect-port redirect-to pid-file no-x-forward
		no-prepend-path no-include-prefix auto-rewrite change-origin protocol-rewrite custom-header insecure host-routing
		metrics-ip metrics-port metrics-socket log-level timeout proxy-timeout storage-backend keep-alive-timeout version`
	want := strings.Fields(theirs + " store")
	f := pflag.NewFlagSet(Name, pflag.ContinueOnError)
	new(options).register(f)
	var got []string
	f.VisitAll(func(flag *pflag.Flag) { got = append(got, flag.Name) })
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"", "*:8000 localhost:8001"},
		{"--ip 10.0.0.1 --port 9000", "10.0.0.1:9000 localhost:9001"},
		{"--ip * --api-ip 0.0.0.0 --api-port 7", "*:8000 0.0.0.0:7"},
		{"--ip ::1", "[::1]:8000 localhost:8001"},
		{"--socket /run/p", "/run/p localhost:8001"},
		{"--api-socket /run/a --metrics-port 9", "*:8000 /run/a *:9"},
		{"--metrics-socket /run/m", "*:8000 localhost:8001 /run/m"},
	} {
		o, err := parse(t, nil, strings.Fields(test.line)...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range o.addresses() {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s", test.line, got, test.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for line, want := range map[string]string{
		"--storage-backend x":                     "--store keeps routes in a file or in Redis",
		"--redirect-port 80":                      "HTTPS redirection specified but certificates not provided.",
		"--error-target http://h --error-path /x": "Cannot specify both error-target and error-path. Pick one.",
		"--socket /run/p --port 8000":             "--socket cannot be used with --ip or --port",
		"--socket /run/p --ip 127.0.0.1":          "--socket cannot be used with --ip or --port",
		"--custom-header nothing":                 "A colon was expected in custom header: nothing",
		"--custom-header :x":                      "A colon was expected in custom header: :x",
		"--log-level loud":                        "--log-level is debug, info, warn or error",
		"--port 70000":                            "70000 is no port",
		"--timeout -1":                            "--timeout is a number of milliseconds",
		"--port x":                                "invalid argument",
		"--unknown":                               "unknown flag",
	} {
		if _, err := parse(t, nil, strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestHandlers(t *testing.T) {
	got, warnings := apps(t, map[string]string{"CONFIGPROXY_AUTH_TOKEN": "{x}"}, "--no-include-prefix", "--no-prepend-path", "--no-x-forward",
		"--change-origin", "--auto-rewrite", "--protocol-rewrite", "https:", "--custom-header", "A: b:c ", "--custom-header", "A:d", "--insecure",
		"--host-routing", "--timeout", "1500", "--proxy-timeout", "20", "--error-path", "/e", "--metrics-port", "9", "--keep-alive-timeout", "7000",
		"--default-target", "http://h:1", "--client-ssl-ca", "ca")
	want := map[string]any{
		"handler": "hub_proxy", "no_include_prefix": true, "no_prepend_path": true, "no_x_forward": true, "change_origin": true,
		"auto_rewrite": true, "protocol_rewrite": "https", "custom_header": map[string]any{"A": "d"}, "insecure": true,
		"timeout": "1.5s", "proxy_timeout": "20ms", "error_path": "/e", "metrics": true, "client_ssl_ca": "ca",
	}
	if diff := cmp.Diff(want, at(t, got["http"], "servers", "proxy", "routes", 0, "handle", 0)); diff != "" {
		t.Errorf("hub_proxy (-want +got):\n%s", diff)
	}
	wantAPI := map[string]any{"handler": "hub_routes_api", "auth_token": `\{x}`, "host_routing": true, "metrics": true}
	if diff := cmp.Diff(wantAPI, at(t, got["http"], "servers", "api", "routes", 0, "handle", 0)); diff != "" {
		t.Errorf("hub_routes_api (-want +got):\n%s", diff)
	}
	if got := at(t, got["http"], "servers", "proxy", "idle_timeout"); got != "7s" {
		t.Errorf("idle_timeout %v", got)
	}
	// Without any HTTP/2, Caddy hides the sockets that the proxy is to wait for.
	if diff := cmp.Diff([]any{"h1", "h2c"}, at(t, got["http"], "servers", "proxy", "protocols")); diff != "" {
		t.Errorf("protocols (-want +got):\n%s", diff)
	}
	if got := at(t, got["caddyhub"], "default_target"); got != "http://h:1" {
		t.Errorf("default_target %v", got)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	got, warnings = apps(t, nil)
	if diff := cmp.Diff(map[string]any{"handler": "hub_routes_api", "allow_local": true}, at(t, got["http"], "servers", "api", "routes", 0, "handle", 0)); diff != "" {
		t.Errorf("without a token (-want +got):\n%s", diff)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "REST API is not authenticated.") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestStoreConfig(t *testing.T) {
	for store, want := range map[string]map[string]any{
		"memory":              {"type": "memory"},
		"/x/routes.db":        {"type": "embedded", "path": "/x/routes.db"},
		"redis://:p@h:6379/1": {"type": "redis", "url": "redis://:p@h:6379/1"},
		"rediss://h":          {"type": "redis", "url": "rediss://h"},
	} {
		got, _ := apps(t, map[string]string{"CADDYHUB_PROXY_STORE": store})
		if diff := cmp.Diff(any(want), at(t, got["caddyhub"], "store")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", store, diff)
		}
	}
	seen := make(map[string]bool)
	for _, api := range []address{{"", "", "localhost", 8001}, {"", "", "localhost", 8002}, {"", "", "", 8001}, {"", "/run/a", "", 0}, {"", "/run-a", "", 0}, {"", "/" + strings.Repeat("a/", 50), "", 0}} {
		path := defaultStore("/data", api)
		if seen[path] || filepath.Dir(path) != "/data/configurable-http-proxy" || len(filepath.Base(path)) > 80 {
			t.Errorf("%v: %s", api, path)
		}
		seen[path] = true
	}
}

func TestCiphers(t *testing.T) {
	for openssl, want := range map[string]string{
		"ECDHE-RSA-AES128-GCM-SHA256":   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"ECDHE-RSA-CHACHA20-POLY1305":   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		"ECDHE-RSA-AES128-SHA":          "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
		"DHE-RSA-AES128-GCM-SHA256":     "", "HIGH": "", "!RC4": "", "": "",
	} {
		if got := cipherName(openssl); got != want {
			t.Errorf("%s: %q, want %q", openssl, got, want)
		}
	}
}

// TestPassphrase: a key with a passphrase is opened by it and by nothing else. The
// key was made by "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret".
func TestPassphrase(t *testing.T) {
	encrypted, err := os.ReadFile("testdata/encrypted.pem")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := decrypt(encrypted, "secret")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(plain)
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Error(err)
	}
	if again, err := decrypt(plain, "ignored"); err != nil || !bytes.Equal(again, plain) {
		t.Errorf("a key without: %v", err)
	}
	for _, passphrase := range []string{"", "wrong"} {
		if _, err := decrypt(encrypted, passphrase); err == nil || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%q: %v", passphrase, err)
		}
	}
	if _, err := decrypt([]byte("no key"), ""); err == nil {
		t.Error("no key at all")
	}
}

func TestEncoder(t *testing.T) {
	line := func(colour bool) string {
		e := &Encoder{Colour: colour}
		if err := e.Provision(caddyContext(t)); err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		log := zap.New(zapcore.NewCore(e, zapcore.AddSync(&text), zapcore.DebugLevel)).With(zap.String("a", "b\nc"))
		log.Warn("message")
		log.Info("other", zap.Int("n", 1))
		return text.String()
	}
	for colour, want := range map[bool][]string{
		false: {` [ConfigProxy] warn: message {"a":"b\nc"}`, ` [ConfigProxy] info: other {"a":"b\nc","n":1}`, ""},
		true:  {" [ConfigProxy] \x1b[33mwarn\x1b[39m: message {\"a\":\"b\\nc\"}", " [ConfigProxy] \x1b[32minfo\x1b[39m: other {\"a\":\"b\\nc\",\"n\":1}", ""},
	} {
		for i, got := range strings.Split(line(colour), "\n") {
			_, rest, _ := strings.Cut(got, "Z")
			if rest != want[i] {
				t.Errorf("%q, want %q", rest, want[i])
			}
		}
	}
}
