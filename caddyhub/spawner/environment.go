package spawner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Params is what Environment needs to know of a server and its hub. Which
// variable each becomes stands at the field; JupyterHub's names and meanings.
type Params struct {
	// User and Server: JUPYTERHUB_USER, JUPYTERHUB_SERVER_NAME ("" for the default server).
	User   string
	Server string
	// Token is the server's own: JUPYTERHUB_API_TOKEN, JPY_API_TOKEN.
	Token string
	// ClientID of the server at the OAuth provider: JUPYTERHUB_CLIENT_ID.
	ClientID string
	// CallbackURL, a path or with subdomains absolute: JUPYTERHUB_OAUTH_CALLBACK_URL.
	// Empty means Prefix + "oauth_callback".
	CallbackURL string
	// AccessScopes admit a visitor who has any of them: JUPYTERHUB_OAUTH_ACCESS_SCOPES
	// and JUPYTERHUB_OAUTH_SCOPES. Nil means access to this server or to all of
	// the user's.
	AccessScopes []string
	// AllowedScopes is oauth_client_allowed_scopes: JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES.
	AllowedScopes []string
	// APIURL is how the server reaches the hub, without a slash at the end, like
	// http://10.0.0.1:8081/hub/api: JUPYTERHUB_API_URL, JUPYTERHUB_ACTIVITY_URL.
	APIURL string
	// BaseURL is the hub's base path, "/" or "/jupyter/": JUPYTERHUB_BASE_URL.
	BaseURL string
	// Prefix is the server's path, as Request.Prefix: JUPYTERHUB_SERVICE_PREFIX.
	Prefix string
	// Host is the hub's public origin with subdomains or a public URL, else
	// empty: JUPYTERHUB_HOST.
	Host string
	// PublicURL and PublicHubURL are the absolute addresses of the server and of
	// the hub for browsers, empty if unknown: JUPYTERHUB_PUBLIC_URL,
	// JUPYTERHUB_PUBLIC_HUB_URL.
	PublicURL    string
	PublicHubURL string
	// CookieOptions are set as JUPYTERHUB_COOKIE_OPTIONS if there are any.
	CookieOptions map[string]any
	// CookieHostPrefix: JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED.
	CookieHostPrefix bool
	// RootDir and DefaultURL may use the fields of a Template:
	// JUPYTERHUB_ROOT_DIR, JUPYTERHUB_DEFAULT_URL. Empty means unset.
	RootDir    string
	DefaultURL string
	// Debug and DisableUserConfig: JUPYTERHUB_DEBUG, JUPYTERHUB_DISABLE_USER_CONFIG.
	Debug             bool
	DisableUserConfig bool
	// Limits are told to the server; whether they are enforced is the spawner's affair.
	Limits Limits
	// TLS files for the server's own listener, nil for plain HTTP.
	TLS *TLSFiles
	// Environment is the operator's: applied last, may override anything above.
	Environment map[string]string
}

// Limits of a server; zero means none.
type Limits struct {
	// MemLimit and MemGuarantee in bytes: MEM_LIMIT, MEM_GUARANTEE.
	MemLimit     int64
	MemGuarantee int64
	// CPULimit and CPUGuarantee in cores: CPU_LIMIT, CPU_GUARANTEE.
	CPULimit     float64
	CPUGuarantee float64
}

// TLSFiles are paths as the server sees them.
type TLSFiles struct {
	// Key, Certificate and Authority: JUPYTERHUB_SSL_KEYFILE,
	// JUPYTERHUB_SSL_CERTFILE, JUPYTERHUB_SSL_CLIENT_CA.
	Key         string
	Certificate string
	Authority   string
}

// Environment returns the variables of a single-user server as JupyterHub 5
// sets them (spawner.get_env), except JUPYTERHUB_SERVICE_URL, which the spawner
// adds with ServiceURL. The operator's own come last. ErrInvalid names what
// cannot stand in an environment; the message has no values.
func Environment(p Params) (map[string]string, error) {
	env := make(map[string]string, 32)
	p.setIdentity(env)
	p.setAddresses(env)
	if err := p.setOAuth(env); err != nil {
		return nil, err
	}
	if err := p.setTemplates(env); err != nil {
		return nil, err
	}
	p.setOptional(env)
	for name, value := range env {
		if strings.ContainsFunc(value, isControl) {
			return nil, fmt.Errorf("%w: variable %s would hold a control character", ErrInvalid, name)
		}
	}
	maps.Copy(env, p.Environment)
	return env, ValidateEnvironment(env)
}

func (p Params) setIdentity(env map[string]string) {
	env["JUPYTERHUB_API_TOKEN"] = p.Token
	env["JPY_API_TOKEN"] = p.Token
	env["JUPYTERHUB_CLIENT_ID"] = p.ClientID
	env["JUPYTERHUB_USER"] = p.User
	env["JUPYTERHUB_SERVER_NAME"] = p.Server
}

func (p Params) setAddresses(env map[string]string) {
	api := strings.TrimRight(p.APIURL, "/")
	env["JUPYTERHUB_API_URL"] = api
	env["JUPYTERHUB_ACTIVITY_URL"] = api + "/users/" + quote(p.User) + "/activity"
	env["JUPYTERHUB_BASE_URL"] = cmp.Or(p.BaseURL, "/")
	env["JUPYTERHUB_SERVICE_PREFIX"] = p.Prefix
	env["JUPYTERHUB_HOST"] = p.Host
	env["JUPYTERHUB_PUBLIC_URL"] = p.PublicURL
	env["JUPYTERHUB_PUBLIC_HUB_URL"] = p.PublicHubURL
	env["JUPYTERHUB_OAUTH_CALLBACK_URL"] = cmp.Or(p.CallbackURL, p.Prefix+"oauth_callback")
}

func (p Params) setOAuth(env map[string]string) error {
	access := p.AccessScopes
	if access == nil {
		access = []string{
			"access:servers!server=" + p.User + "/" + p.Server,
			"access:servers!user=" + p.User,
		}
	}
	allowed := p.AllowedScopes
	if allowed == nil {
		allowed = []string{}
	}
	lists := map[string]any{
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         access,
		"JUPYTERHUB_OAUTH_SCOPES":                access,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": allowed,
	}
	if len(p.CookieOptions) > 0 {
		lists["JUPYTERHUB_COOKIE_OPTIONS"] = p.CookieOptions
	}
	for name, value := range lists {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("%w: variable %s: %w", ErrInvalid, name, err)
		}
		env[name] = string(text)
	}
	return nil
}

// setTemplates treats the directory and the URL alike: in both, names are
// escaped and no element may lead upwards.
func (p Params) setTemplates(env map[string]string) error {
	names := Names{User: p.User, Server: p.Server, Prefix: p.Prefix}
	for name, source := range map[string]string{
		"JUPYTERHUB_ROOT_DIR":    p.RootDir,
		"JUPYTERHUB_DEFAULT_URL": p.DefaultURL,
	} {
		if source == "" {
			continue
		}
		template, err := ParseTemplate(source)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if env[name], err = template.Path(names); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (p Params) setOptional(env map[string]string) {
	env["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] = "0"
	if p.CookieHostPrefix {
		env["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] = "1"
	}
	if p.Debug {
		env["JUPYTERHUB_DEBUG"] = "1"
	}
	if p.DisableUserConfig {
		env["JUPYTERHUB_DISABLE_USER_CONFIG"] = "1"
	}
	for name, bytes := range map[string]int64{"MEM_LIMIT": p.Limits.MemLimit, "MEM_GUARANTEE": p.Limits.MemGuarantee} {
		if bytes > 0 {
			env[name] = strconv.FormatInt(bytes, 10)
		}
	}
	for name, cores := range map[string]float64{"CPU_LIMIT": p.Limits.CPULimit, "CPU_GUARANTEE": p.Limits.CPUGuarantee} {
		if cores > 0 {
			env[name] = strconv.FormatFloat(cores, 'f', -1, 64)
		}
	}
	if p.TLS != nil {
		env["JUPYTERHUB_SSL_KEYFILE"] = p.TLS.Key
		env["JUPYTERHUB_SSL_CERTFILE"] = p.TLS.Certificate
		env["JUPYTERHUB_SSL_CLIENT_CA"] = p.TLS.Authority
	}
}

// ServiceURL is the value of JUPYTERHUB_SERVICE_URL: where the server binds.
// An empty host means all interfaces; scheme is "http" or "https".
func ServiceURL(scheme, host string, port int, prefix string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + ":" + strconv.Itoa(port) + prefix
}

// ValidateEnvironment says, as ErrInvalid, which variable cannot be given to a
// process: names are letters, digits and underscores and do not begin with a
// digit, values have no NUL byte.
func ValidateEnvironment(env map[string]string) error {
	for name, value := range env {
		if !validVariable(name) {
			return fmt.Errorf("%w: %q is not the name of an environment variable", ErrInvalid, name)
		}
		if strings.IndexByte(value, 0) >= 0 {
			return fmt.Errorf("%w: variable %s holds a NUL byte", ErrInvalid, name)
		}
	}
	return nil
}

func validVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// quote escapes a name for a URL path as JupyterHub does: everything but
// letters, digits and _.-~@ becomes %XX.
func quote(name string) string {
	var out strings.Builder
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.-~@", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}
