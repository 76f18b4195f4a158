package spawner

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func params() Params {
	return Params{
		User: "ada", Token: "secret", ClientID: "jupyterhub-user-ada", APIURL: "http://10.0.0.1:8081/hub/api", Prefix: "/user/ada/",
	}
}

// The variables that every server gets, and their order with the operator's.
func TestEnvironmentLeast(t *testing.T) {
	got, err := Environment(params())
	if err != nil {
		t.Fatal(err)
	}
	access := `["access:servers!server=ada/","access:servers!user=ada"]`
	want := map[string]string{
		"JUPYTERHUB_API_TOKEN": "secret", "JPY_API_TOKEN": "secret",
		"JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada", "JUPYTERHUB_USER": "ada", "JUPYTERHUB_SERVER_NAME": "",
		"JUPYTERHUB_API_URL":      "http://10.0.0.1:8081/hub/api",
		"JUPYTERHUB_ACTIVITY_URL": "http://10.0.0.1:8081/hub/api/users/ada/activity",
		"JUPYTERHUB_BASE_URL":     "/", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
		"JUPYTERHUB_HOST": "", "JUPYTERHUB_PUBLIC_URL": "", "JUPYTERHUB_PUBLIC_HUB_URL": "",
		"JUPYTERHUB_OAUTH_CALLBACK_URL":  "/user/ada/oauth_callback",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES": access, "JUPYTERHUB_OAUTH_SCOPES": access,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED":  "0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Environment (-want +got):\n%s", diff)
	}
}

func TestEnvironmentOptions(t *testing.T) {
	p := params()
	p.User, p.Server, p.Prefix = "a b/ö@x~", "lab", "/jupyter/user/a%20b%2F%C3%B6@x~/lab/"
	p.BaseURL, p.Host = "/jupyter/", "https://hub.example.org"
	p.CallbackURL = "https://ada.hub.example.org/oauth_callback"
	p.AccessScopes, p.AllowedScopes = []string{"access:servers!user=x"}, []string{"read:users:name"}
	p.CookieOptions, p.CookieHostPrefix = map[string]any{"samesite": "None"}, true
	p.RootDir, p.DefaultURL = "/srv/{username}", "/lab/tree/{username}"
	p.Debug, p.DisableUserConfig = true, true
	p.Limits = Limits{MemLimit: 1 << 33, MemGuarantee: 1024, CPULimit: 1.5, CPUGuarantee: 0.25}
	p.TLS = &TLSFiles{Key: "/k", Certificate: "/c", Authority: "/a"}
	p.Environment = map[string]string{"JUPYTERHUB_API_URL": "http://other/hub/api", "MINE": "a\nb", "MEM_LIMIT": ""}
	got, err := Environment(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"JUPYTERHUB_USER": "a b/ö@x~", "JUPYTERHUB_SERVER_NAME": "lab", "JUPYTERHUB_BASE_URL": "/jupyter/",
		"JUPYTERHUB_ACTIVITY_URL":                "http://10.0.0.1:8081/hub/api/users/a%20b%2F%C3%B6@x~/activity",
		"JUPYTERHUB_OAUTH_CALLBACK_URL":          "https://ada.hub.example.org/oauth_callback",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         `["access:servers!user=x"]`,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": `["read:users:name"]`,
		"JUPYTERHUB_COOKIE_OPTIONS":              `{"samesite":"None"}`, "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "1",
		"JUPYTERHUB_ROOT_DIR":    "/srv/a%20b%2F%C3%B6@x%7E",
		"JUPYTERHUB_DEFAULT_URL": "/lab/tree/a%20b%2F%C3%B6@x%7E",
		"JUPYTERHUB_DEBUG":       "1", "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
		"MEM_GUARANTEE": "1024", "CPU_LIMIT": "1.5", "CPU_GUARANTEE": "0.25",
		"JUPYTERHUB_SSL_KEYFILE": "/k", "JUPYTERHUB_SSL_CERTFILE": "/c", "JUPYTERHUB_SSL_CLIENT_CA": "/a",
		"JUPYTERHUB_API_URL": "http://other/hub/api", "MINE": "a\nb", "MEM_LIMIT": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestEnvironmentRefuses(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"NUL in a name":         func(p *Params) { p.User = "a\x00b" },
		"newline in a name":     func(p *Params) { p.Server = "a\nLD_PRELOAD=x" },
		"newline in a URL":      func(p *Params) { p.APIURL = "http://x\n" },
		"operator's NUL":        func(p *Params) { p.Environment = map[string]string{"A": "secret\x00"} },
		"operator's name":       func(p *Params) { p.Environment = map[string]string{"A=B": "secret"} },
		"operator's space":      func(p *Params) { p.Environment = map[string]string{"A B": "secret"} },
		"operator's digit":      func(p *Params) { p.Environment = map[string]string{"1A": "secret"} },
		"operator's empty":      func(p *Params) { p.Environment = map[string]string{"": "secret"} },
		"operator's newline":    func(p *Params) { p.Environment = map[string]string{"A\nB": "secret"} },
		"directory upwards":     func(p *Params) { p.RootDir = "/srv/../{username}" },
		"unknown field":         func(p *Params) { p.DefaultURL = "/{user}" },
		"cookie option no JSON": func(p *Params) { p.CookieOptions = map[string]any{"a": math.NaN()} },
	} {
		p := params()
		change(&p)
		_, err := Environment(p)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells a value: %v", name, err)
		}
	}
}

func TestServiceURL(t *testing.T) {
	for want, got := range map[string]string{
		"http://127.0.0.1:80/user/ada/": ServiceURL("http", "127.0.0.1", 80, "/user/ada/"),
		"https://[::1]:8888/":           ServiceURL("https", "::1", 8888, "/"),
		"http://:8888/":                 ServiceURL("http", "", 8888, "/"),
	} {
		if got != want {
			t.Errorf("ServiceURL is %q, want %q", got, want)
		}
	}
}
