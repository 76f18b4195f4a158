package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

const (
	// flowLifetime is how long somebody may take to log in elsewhere.
	flowLifetime = 15 * time.Minute
	// maxFlow is how long the cookie's value may be, in bytes: browsers drop
	// cookies of more than 4096 with everything that belongs to them.
	maxFlow = 3800
	// flowCookie begins the names of the cookies. Each flow has its own, so that
	// several tabs can be on their way to a login at once.
	flowCookie  = "caddyhub-flow-"
	purposeFlow = "login flow"
)

// errFlow says that an authenticator wants more remembered than a cookie holds.
var errFlow = errors.New("web: the state of a login elsewhere is too long for a cookie")

// flow is a login that is under way elsewhere. The browser keeps it, sealed;
// any node can go on with it.
type flow struct {
	Authenticator string `json:"a"`
	// State is what the authenticator wants back.
	State []byte `json:"s,omitempty"`
	// Next is where the visitor goes after it; empty for the usual place.
	Next string `json:"n,omitempty"`
	// Expires in Unix seconds.
	Expires int64 `json:"e"`
}

// keepFlow gives the browser the flow that was sent to an address. Rather than not
// to log in at all, one forgets where one wanted to go.
func (c *call) keepFlow(begun flow, location string) error {
	begun.Expires = c.now().Add(flowLifetime).Unix()
	value, err := c.sealFlow(begun)
	if err == nil && len(value) > maxFlow {
		begun.Next = ""
		value, err = c.sealFlow(begun)
	}
	if err != nil {
		return err
	}
	if len(value) > maxFlow {
		return errFlow
	}
	sent, err := url.Parse(location)
	if err != nil {
		return err
	}
	c.setFlow(c.flowName(sent), value, int(flowLifetime/time.Second))
	return nil
}

func (c *call) sealFlow(begun flow) (string, error) {
	text, err := json.Marshal(begun)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(c.options.Directory.Keys().Seal(purposeFlow, text, nil)), nil
}

// takeFlow returns the flow that this request answers, if this browser has it, and
// forgets it: one attempt each.
func (c *call) takeFlow() (begun flow, ok bool) {
	name := c.flowName(c.r.URL)
	for _, value := range gate.CookieValues(c.r.Header, name) {
		sealed, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil || len(value) > maxFlow {
			continue
		}
		text, err := c.options.Directory.Keys().Open(purposeFlow, sealed, nil)
		if err != nil {
			continue
		}
		begun = flow{}
		if json.Unmarshal(text, &begun) == nil && c.now().Unix() < begun.Expires {
			c.setFlow(name, "", -1)
			return begun, true
		}
	}
	return flow{}, false
}

func (c *call) setFlow(name, value string, maxAge int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: name, Value: value, Path: c.hub + callbackPath, MaxAge: maxAge,
		HttpOnly: true, Secure: c.options.Browser.Secure(c.r), SameSite: http.SameSiteLaxMode,
	})
}

// flowName is the name of the cookie for the flow whose state is in an address.
// The state is not told from it: whoever reads cookies may not read addresses.
func (c *call) flowName(address *url.URL) string {
	sum := sha256.Sum256([]byte(address.Query().Get("state")))
	name := flowCookie + hex.EncodeToString(sum[:6])
	if c.options.Browser.Secure(c.r) {
		return "__Secure-" + name
	}
	return name
}
