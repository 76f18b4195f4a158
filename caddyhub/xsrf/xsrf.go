package xsrf

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInvalid says that a token is malformed, or was not minted by this site
	// for this session and prefix.
	ErrInvalid = errors.New("xsrf: invalid token")
	// ErrExpired says that a token was valid and is too old now.
	ErrExpired = errors.New("xsrf: token expired")
)

// Defaults of Options.
const (
	// DefaultMaxAge is how long a session's token is good. It only bounds what a
	// leaked one is worth; the session's own end comes first.
	DefaultMaxAge = 31 * 24 * time.Hour
	// DefaultAnonymousMaxAge is how long a login page may stay open.
	DefaultAnonymousMaxAge = 24 * time.Hour
)

// clockSkew is how far in the future a token of another node may be.
const clockSkew = 5 * time.Minute

// Signer signs with a secret of the site. Keys may rotate: Verify accepts what
// older keys signed as long as they are kept. It compares in constant time.
type Signer interface {
	// Sign returns the signature of data with the key in force.
	Sign(data []byte) []byte
	// Verify says whether mac is the signature of data under any key that is kept.
	Verify(data, mac []byte) bool
}

// Options are what New may be told.
type Options struct {
	// MaxAge of a session's tokens. Zero means DefaultMaxAge.
	MaxAge time.Duration
	// AnonymousMaxAge of tokens before login. Zero means DefaultAnonymousMaxAge.
	AnonymousMaxAge time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Tokens mints and verifies tokens.
type Tokens struct {
	signer  Signer
	options Options
}

// New returns a mint that signs with signer.
func New(signer Signer, options Options) *Tokens {
	if options.MaxAge == 0 {
		options.MaxAge = DefaultMaxAge
	}
	if options.AnonymousMaxAge == 0 {
		options.AnonymousMaxAge = DefaultAnonymousMaxAge
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Tokens{signer: signer, options: options}
}

// Kinds of tokens. The kind is signed, so that a session id and a browser id that
// happen to be equal are still different.
const (
	forSession byte = 's'
	forBrowser byte = 'b'
)

// Layout of a token before base64url: version, kind, Unix seconds, random salt,
// signature. The salt keeps the token from being guessed out of compressed pages.
const (
	version    byte = 1
	saltLength      = 12
	headLength      = 2 + 8 + saltLength
	// maxLength bounds the work a hostile token costs.
	maxLength = 256
)

// Mint returns a token for a session and a path prefix ("/hub/", "/user/ada/").
// Neither may be empty.
func (t *Tokens) Mint(sessionID, prefix string) (string, error) {
	return t.mint(forSession, sessionID, prefix)
}

// Verify checks a token of a session: nil, ErrInvalid or ErrExpired.
func (t *Tokens) Verify(token, sessionID, prefix string) error {
	return t.verify(forSession, t.options.MaxAge, token, sessionID, prefix)
}

// MintAnonymous returns a token for a browser that is not logged in. Its id is
// the value of a cookie that NewBrowserID made.
func (t *Tokens) MintAnonymous(browserID, prefix string) (string, error) {
	return t.mint(forBrowser, browserID, prefix)
}

// VerifyAnonymous checks a token of such a browser: nil, ErrInvalid or ErrExpired.
func (t *Tokens) VerifyAnonymous(token, browserID, prefix string) error {
	return t.verify(forBrowser, t.options.AnonymousMaxAge, token, browserID, prefix)
}

// NewBrowserID returns a random id for the cookie of a browser before login. Set
// it HttpOnly, and let a login replace it.
func NewBrowserID() string { return rand.Text() }

func (t *Tokens) mint(kind byte, id, prefix string) (string, error) {
	if id == "" || prefix == "" {
		return "", fmt.Errorf("%w: no id or no prefix to bind it to", ErrInvalid)
	}
	head := make([]byte, headLength, headLength+64)
	head[0], head[1] = version, kind
	binary.BigEndian.PutUint64(head[2:], uint64(t.options.Now().Unix()))
	if _, err := rand.Read(head[10:]); err != nil {
		return "", fmt.Errorf("xsrf: %w", err)
	}
	mac := t.signer.Sign(signed(head, id, prefix))
	return base64.RawURLEncoding.EncodeToString(append(head, mac...)), nil
}

func (t *Tokens) verify(kind byte, maxAge time.Duration, token, id, prefix string) error {
	if id == "" || prefix == "" || len(token) > maxLength {
		return ErrInvalid
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(data) <= headLength || data[0] != version || data[1] != kind {
		return ErrInvalid
	}
	head, mac := data[:headLength], data[headLength:]
	if !t.signer.Verify(signed(head, id, prefix), mac) {
		return ErrInvalid
	}
	minted := time.Unix(int64(binary.BigEndian.Uint64(head[2:])), 0)
	switch age := t.options.Now().Sub(minted); {
	case age < -clockSkew:
		return ErrInvalid
	case age >= maxAge:
		return ErrExpired
	}
	return nil
}

// signed is what the signature covers. Lengths keep one part from running into
// the next; the label keeps signatures for other purposes from being tokens.
func signed(head []byte, id, prefix string) []byte {
	const label = "caddyhub xsrf token"
	data := make([]byte, 0, len(label)+len(head)+16+len(id)+len(prefix))
	data = append(data, label...)
	data = append(data, head...)
	data = binary.BigEndian.AppendUint64(data, uint64(len(id)))
	data = append(data, id...)
	data = binary.BigEndian.AppendUint64(data, uint64(len(prefix)))
	return append(data, prefix...)
}
