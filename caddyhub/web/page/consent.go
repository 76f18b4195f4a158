package page

// Consent asks whether an application may act for the visitor
// (JupyterHub 3.2).
type Consent struct {
	// Application describes the client, for example "Server at /user/ada/".
	Application string

	// RedirectURI is the client's, shown, and allowed as the end of the form's
	// redirects in the Content-Security-Policy when it is absolute.
	RedirectURI string

	// Action takes the form. Empty: the address of the page, with its query.
	Action string

	// Scopes are posted, one field scopes each.
	Scopes []string

	// Permissions are the same, for people.
	Permissions []Permission

	// CancelURL leads away without consent. Default: the hub's home.
	CancelURL string
}

// Permission is a scope in words.
type Permission struct {
	// Scope is the scope itself. Empty: identification only.
	Scope       string
	Description string

	// Filter names what the scope is limited to, for example "server ada/lab".
	Filter string
}

func (Consent) template() string { return "oauth" }

// AcceptShare asks whether the visitor takes a server that was shared by code.
type AcceptShare struct {
	Owner, ServerName string

	// ServerURL is the shared server, Running whether it runs.
	ServerURL string
	Running   bool

	// Code is posted as code, to Action. Empty Action: the page's address.
	Code, Action string

	// NextURL is where the visitor goes after accepting.
	NextURL string

	Permissions []Permission
}

func (AcceptShare) template() string { return "accept-share" }
