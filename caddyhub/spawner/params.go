package spawner

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
