package conformance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
)

// world is what both hubs are configured with. Its JSON is what
// testdata/jupyterhub_config.py reads; caddyfile writes it for caddyhub.
type world struct {
	Admins       []string               `json:"admins"`
	Groups       []group                `json:"groups"`
	Roles        []role                 `json:"roles"`
	Services     []service              `json:"services"`
	CustomScopes map[string]customScope `json:"custom_scopes"`
	NamedServers int                    `json:"named_server_limit_per_user"`

	Password    string   `json:"password"`
	Command     []string `json:"command"`
	HTTPTimeout int      `json:"http_timeout_seconds"`
}

type group struct {
	Name       string                     `json:"name"`
	Users      []string                   `json:"users"`
	Properties map[string]json.RawMessage `json:"properties"`
}

type role struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Scopes      []string `json:"scopes,omitempty"`
	Users       []string `json:"users,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	Services    []string `json:"services,omitempty"`
}

type service struct {
	Name             string   `json:"name"`
	APIToken         string   `json:"api_token,omitempty"`
	URL              string   `json:"url,omitempty"`
	Admin            bool     `json:"admin,omitempty"`
	OAuthRedirectURI string   `json:"oauth_redirect_uri,omitempty"`
	OAuthScopes      []string `json:"oauth_client_allowed_scopes,omitempty"`
	OAuthNoConfirm   bool     `json:"oauth_no_confirm,omitempty"`
	Hidden           bool     `json:"hidden,omitempty"`
}

type customScope struct {
	Description string   `json:"description"`
	Subscopes   []string `json:"subscopes,omitempty"`
}

// httpTimeout is how many seconds a server may take to answer once it runs. A
// server that never does costs the test as much, on each side.
const httpTimeout = 6

func readWorld(t *testing.T) *world {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "world.json"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Password: hubtest.Password, HTTPTimeout: httpTimeout}
	if err := json.Unmarshal(text, w); err != nil {
		t.Fatal(err)
	}
	for i, service := range w.Services {
		w.Services[i].APIToken = secret(service.Name)
		if service.URL != "" {
			w.Services[i].URL = serve(t, service.Name)
		}
	}
	program, err := filepath.Abs(filepath.Join("testdata", "server.py"))
	if err != nil {
		t.Fatal(err)
	}
	w.Command = []string{filepath.Join(hubtest.VirtualEnvironment(t), "bin", "python"), "-S", "-E", program}
	return w
}

// serve runs a service and returns its origin.
func serve(t *testing.T, name string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s was asked: %s %s", name, r.Method, r.RequestURI)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// secret is the token of a service. Its first characters differ from those of
// other services: JupyterHub tries all tokens that begin alike.
func secret(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// employ adds a service for each caller of the scripts that is written as a list
// of scopes, with exactly these.
func (w *world) employ(callers []string) {
	for _, caller := range slices.Compact(slices.Sorted(slices.Values(callers))) {
		scopes, is := scopesOf(caller)
		if !is {
			continue
		}
		name := serviceOf(caller)
		w.Services = append(w.Services, service{Name: name, APIToken: secret(name)})
		if len(scopes) > 0 {
			w.Roles = append(w.Roles, role{Name: name, Scopes: scopes, Services: []string{name}})
		}
	}
}

// scopesOf are the scopes of a caller such as "[read:users!user=ada,proxy]".
func scopesOf(caller string) ([]string, bool) {
	inner, open := strings.CutPrefix(caller, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !open || !closed {
		return nil, false
	}
	if inner == "" {
		return nil, true
	}
	return strings.Split(inner, ","), true
}

// serviceOf is the name of the service with a list of scopes.
func serviceOf(caller string) string { return "caller-" + secret(caller)[:8] }

// start starts both hubs.
func (w *world) start(t *testing.T) (*jupyterhub.Hub, *hubtest.Hub) {
	t.Helper()
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join("testdata", "jupyterhub_config.py"))
	if err != nil {
		t.Fatal(err)
	}
	original := jupyterhub.Start(t, jupyterhub.Options{Config: string(config), Environment: []string{"CONFORMANCE_WORLD=" + file}})
	ours := hubtest.Start(t, hubtest.Options{
		Admins:  w.Admins,
		Spawner: fmt.Sprintf("command %s\nhttp_timeout %ds", strings.Join(w.Command, " "), w.HTTPTimeout),
		Hub:     w.caddyfile(),
	})
	return original, ours
}

// caddyfile is what the block caddyhub has beside the words of hubtest.
func (w *world) caddyfile() string {
	var text strings.Builder
	line := func(word string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			fmt.Fprintf(&text, "\t%s \"%s\"\n", word, strings.Join(values, `" "`))
		}
	}
	flag := func(word string, set bool) {
		if set {
			fmt.Fprintf(&text, "\t%s\n", word)
		}
	}
	block := func(words string, content func()) {
		fmt.Fprintf(&text, "%s {\n", words)
		content()
		text.WriteString("}\n")
	}
	block("named_servers", func() { line("limit_per_user", fmt.Sprint(w.NamedServers)) })
	for _, g := range w.Groups {
		block("group "+g.Name, func() {
			line("users", g.Users...)
			for _, key := range slices.Sorted(maps.Keys(g.Properties)) {
				fmt.Fprintf(&text, "\tproperty %s `%s`\n", key, g.Properties[key])
			}
		})
	}
	for _, r := range w.Roles {
		block("role "+r.Name, func() {
			line("description", r.Description)
			line("scopes", r.Scopes...)
			line("users", r.Users...)
			line("groups", r.Groups...)
			line("services", r.Services...)
		})
	}
	for _, s := range w.Services {
		block("service "+s.Name, func() {
			line("api_token", s.APIToken)
			line("url", s.URL)
			line("oauth_redirect_uri", s.OAuthRedirectURI)
			line("oauth_client_allowed_scopes", s.OAuthScopes...)
			flag("admin", s.Admin)
			flag("oauth_no_confirm", s.OAuthNoConfirm)
			flag("display off", s.Hidden)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(w.CustomScopes)) {
		block("custom_scope "+name, func() {
			line("description", w.CustomScopes[name].Description)
			line("subscopes", w.CustomScopes[name].Subscopes...)
		})
	}
	return text.String()
}
