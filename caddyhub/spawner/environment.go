package spawner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

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
	env["JUPYTERHUB_ACTIVITY_URL"] = api + "/users/" + escapeBytes(p.User, safeInURL) + "/activity"
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
