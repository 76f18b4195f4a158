package edge

// Rules are what an admin has chosen for the route of a request. The zero Rules
// are the strictest.
type Rules struct {
	// TokenInURL says what becomes of ?token= in the URL of a page.
	TokenInURL TokenInURL
}

// TokenInURL is what a token in the URL of a page is worth.
type TokenInURL int

const (
	// TokenInURLOff: nothing, as in JupyterHub 5. A link cannot log anybody in.
	TokenInURLOff TokenInURL = iota
	// TokenInURLPersist: an API token that opens the server becomes a grant for
	// this server, in a cookie, and leaves the URL.
	TokenInURLPersist
)
