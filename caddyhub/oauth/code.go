package oauth

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// codeLifetime is how long a code can be exchanged. JupyterHub gives 300 s;
	// the redirect that carries a code takes the blink of an eye, and what leaks
	// into a log or a history should be worthless there.
	codeLifetime = time.Minute
	// codeMemory is how long a used code is remembered, counted from its use, so
	// that a second use is noticed (RFC 6749, 4.1.2: ten minutes is the longest
	// that a code should live).
	codeMemory = 10 * time.Minute
	// maxCode bounds what is hashed for a code that cannot be ours, in bytes.
	maxCode = 256
)

const purposeCode = "oauth code"

// code is what the hub remembers of a code that it issued. The code itself is
// not part of it.
type code struct {
	ClientID string `json:"client_id"`
	// Registration is the hash of the client's secret when the code was issued:
	// a server that was stopped and started again is another client.
	Registration []byte `json:"registration"`
	// RedirectURI as sent; empty if the request left it out.
	RedirectURI string   `json:"redirect_uri,omitempty"`
	User        string   `json:"user"`
	UserNumber  uint64   `json:"user_number"`
	Scopes      []string `json:"scopes"`
	// SessionID names the login, BrowserSession is what its tokens carry.
	SessionID      string `json:"session_id"`
	BrowserSession string `json:"browser_session"`
	// Challenge of PKCE, method S256; empty if none was sent.
	Challenge string `json:"challenge,omitempty"`
	// Used says that an attempt was made to exchange the code, and TokenID which
	// token came of it.
	Used    bool   `json:"used,omitempty"`
	TokenID string `json:"token_id,omitempty"`
}

// codes by the keyed hash of the code.
var codes = store.Collection[code]{Kind: "oauth_code"}

// newSecret draws a code or a token: 52 letters and digits, 260 random bits
// (JupyterHub has 30 of them).
func newSecret() string { return rand.Text() + rand.Text() }

func (p *Provider) putNewCode(w store.Writer, secret string, record code) error {
	id := hex.EncodeToString(p.directory.Keys().MAC(purposeCode, []byte(secret)))
	return codes.Put(w, id, record, p.now().Add(codeLifetime))
}

// findCode looks a code up under every key of the ring.
func (p *Provider) findCode(r store.Reader, secret string) (id string, record code, found bool, err error) {
	for _, mac := range p.directory.Keys().MACs(purposeCode, []byte(secret)) {
		id = hex.EncodeToString(mac)
		if record, found, err = codes.Find(r, id); err != nil || found {
			return id, record, found, err
		}
	}
	return "", code{}, false, nil
}
