package identity

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// VisitorLifetime is how long a visitor token is good for. It only has to
// outlive the 300 s for which a single-user server remembers an answer.
const VisitorLifetime = 15 * time.Minute

// VisitorRenewal is the age at which the edge hands the next one upstream.
const VisitorRenewal = 5 * time.Minute

// VisitorPrefix tells visitor tokens from all others, also after they expired.
const VisitorPrefix = "visitor."

const purposeVisitor = "visitor token"

// Visitor is what a visitor token says: this session visits that server. The
// edge mints such tokens and puts them into Authorization on the way to a
// single-user server or service, which asks the hub who it is, as it does with
// any token. Nothing is stored for them: the hub recognises its own signature
// and looks at the session, so they end with it.
type Visitor struct {
	// SessionID is Session.ID of the visitor's login. Empty if Grant is set.
	SessionID string `json:"s,omitempty"`
	// Grant is what the visitor has in place of a login.
	Grant *Grant `json:"g,omitempty"`
	// Client is what is visited; the token opens nothing else.
	Client scope.Client `json:"c"`
	// Expires is when the token ends, in Unix seconds.
	Expires int64 `json:"e"`
}

// IsVisitorToken says whether a token looks like one that the edge minted. It
// may have expired or be a forgery.
func IsVisitorToken(token string) bool { return strings.HasPrefix(token, VisitorPrefix) }

// VisitorToken mints a token for a session's visit to a server or service.
// Calls within the same renewal interval give the same token, on every node.
func (d *Directory) VisitorToken(session *Session, client scope.Client) string {
	expires := d.now().Truncate(VisitorRenewal).Add(VisitorLifetime).Unix()
	var buffer [256]byte
	visit := appendTexts(buffer[:0], session.ID, client.Service, client.Server.User, client.Server.Name)
	keys := d.keys.InForce()
	if minted, known := d.visitors.get(visit); known && minted.expires == expires && minted.keys == keys {
		return minted.token
	}
	token := d.mintVisitorToken(Visitor{SessionID: session.ID, Client: client, Expires: expires})
	d.visitors.replace(visit, visitorToken{token: token, expires: expires, keys: keys})
	return token
}

// VisitorTokenOfGrant is VisitorToken for a visit by a grant. The token ends with
// the grant.
func (d *Directory) VisitorTokenOfGrant(grant *Grant, client scope.Client) string {
	expires := d.now().Truncate(VisitorRenewal).Add(VisitorLifetime).Unix()
	visit := appendTexts(nil, "grant", grant.ID, client.Service, client.Server.User, client.Server.Name)
	keys := d.keys.InForce()
	if minted, known := d.visitors.get(visit); known && minted.expires == expires && minted.keys == keys {
		return minted.token
	}
	token := d.mintVisitorToken(Visitor{Grant: grant, Client: client, Expires: min(expires, grant.Expires)})
	d.visitors.replace(visit, visitorToken{token: token, expires: expires, keys: keys})
	return token
}

// visitorToken is a visitor token that was minted, and of which it is the one.
type visitorToken struct {
	token   string
	expires int64
	keys    keyring.InForce
}

func (d *Directory) mintVisitorToken(visitor Visitor) string {
	payload, err := json.Marshal(visitor)
	if err != nil {
		panic("identity: visitor token: " + err.Error()) // strings and numbers always encode
	}
	body := base64.RawURLEncoding.EncodeToString(payload)
	mac := d.keys.MAC(purposeVisitor, []byte(body))
	return VisitorPrefix + body + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// OpenVisitorToken returns what a visitor token says, whether or not it has
// expired; ok is false unless this hub signed it.
func (d *Directory) OpenVisitorToken(token string) (visitor Visitor, ok bool) {
	signed, found := strings.CutPrefix(token, VisitorPrefix)
	if !found || len(token) > maxTokenLength {
		return visitor, false
	}
	body, signature, found := strings.Cut(signed, ".")
	if !found {
		return visitor, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !d.keys.Verify(purposeVisitor, mac, []byte(body)) {
		return visitor, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(payload, &visitor) != nil {
		return Visitor{}, false
	}
	return visitor, true
}

func (d *Directory) byVisitorToken(ctx context.Context, secret string) (*Identity, error) {
	visitor, ok := d.OpenVisitorToken(secret)
	if !ok || d.now().Unix() >= visitor.Expires {
		return nil, ErrInvalid
	}
	return d.identify(ctx, rememberedToken, secret, func(r store.Reader) (*Identity, time.Time, error) {
		if visitor.Grant != nil {
			return d.ofVisitorOfGrant(r, visitor)
		}
		session, err := d.session(r, visitor.SessionID)
		if err != nil {
			return nil, time.Time{}, err
		}
		identity, held, err := d.ofSession(r, session)
		if err != nil {
			return nil, time.Time{}, err
		}
		identity.Visitor = &visitor
		identity.Scopes, err = d.cut(r, nil, identity.Owner, visitor.Client, held)
		return identity, earlier(d.end(session), time.Unix(visitor.Expires, 0)), err
	})
}

func (d *Directory) ofVisitorOfGrant(r store.Reader, visitor Visitor) (*Identity, time.Time, error) {
	identity, until, err := d.ofGrant(r, *visitor.Grant)
	if err != nil || visitor.Grant.Client != visitor.Client {
		return nil, time.Time{}, cmp.Or(err, ErrInvalid)
	}
	identity.Visitor = &visitor
	return identity, earlier(until, time.Unix(visitor.Expires, 0)), nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
