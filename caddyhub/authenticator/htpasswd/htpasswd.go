// Package htpasswd is an authenticator for users whose password hashes stand in a
// file, as Apache's htpasswd and "caddy hash-password" make them, or in the
// configuration.
//
// What it guarantees:
//
//   - Only hashes that are made to be slow are accepted: bcrypt, argon2id and what
//     the caller brings. A file with crypt, MD5, SHA-1 or plain passwords is
//     refused with the line that has it.
//   - An unknown user costs the same work as one who is there: his password is
//     compared with the hash of somebody else, always the same, and the outcome is
//     thrown away.
//   - The file is read again as soon as it has changed. One that is broken, too big
//     or gone leaves in force what was read before, and the log says why.
//   - Names are compared in their canonical form, so no alias has another password.
//   - Refresh ends the session of a user who is gone or has another password.
package htpasswd

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Comparer tells whether a password is the one that a hash was made of. Those of
// Caddy's http.authentication.hashes do.
type Comparer interface {
	// Compare returns false without an error for another password. An error is
	// about the hash.
	Compare(hash, password []byte) (bool, error)
}

// User is an entry of the configuration.
type User struct {
	Name string
	Hash string
}

// Options says where the hashes are and what compares them.
type Options struct {
	// File is the path of a file of lines NAME:HASH. Lines that begin with "#" and
	// empty ones do not count. Empty: no file.
	File string
	// Users are entries beside those of the file, where they must not stand again.
	Users []User
	// Bcrypt and Argon2id compare hashes of these kinds; both are needed.
	Bcrypt   Comparer
	Argon2id Comparer
	// Other compares hashes of a kind that is not known here. Nil refuses them.
	Other Comparer
	// Service is what stands above the form of the login page. Empty: nothing.
	Service string
	// Log hears of a file that cannot be read again. Nil discards.
	Log *slog.Logger
}

// Authenticator checks passwords against hashes. Its methods may be called from
// any goroutine.
type Authenticator struct {
	source  *source
	service string
	// seed chooses whose hash an unknown name is compared with. It dies with the
	// process.
	seed [sha256.Size]byte
	// working bounds how many hashes are computed at once: each takes a processor,
	// and argon2id memory too.
	working chan struct{}
}

// New reads the file. Its errors name file and line, never a hash.
func New(o Options) (*Authenticator, error) {
	switch {
	case o.File == "" && len(o.Users) == 0:
		return nil, errors.New(`htpasswd: nobody could log in; write "file PATH" or "user NAME HASH"`)
	case o.Bcrypt == nil || o.Argon2id == nil:
		return nil, errors.New("htpasswd: nothing compares bcrypt and argon2id")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	source, err := newSource(o)
	if err != nil {
		return nil, err
	}
	a := &Authenticator{source: source, service: o.Service, working: make(chan struct{}, runtime.GOMAXPROCS(0))}
	rand.Read(a.seed[:])
	return a, nil
}

// Authenticate compares the password with the hash of the user.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, password := authenticator.Canonical(attempt.Username()), attempt.Password()
	users := a.source.users(ctx)
	found, known := users.entry(name)
	if !known {
		found = users.standIn(a.seed, name)
	}
	if found == nil || password == "" || strings.ContainsRune(password, 0) {
		return nil, authenticator.ErrDenied
	}
	select {
	case a.working <- struct{}{}:
		defer func() { <-a.working }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	right, err := found.compare(password)
	switch {
	case err != nil && known:
		return nil, err
	case !right || !known:
		return nil, authenticator.ErrDenied
	}
	return &authenticator.Identity{Name: found.name, AuthState: stateOf(found)}, nil
}

// Refresh ends the session of somebody who is not among the users any more, or
// whose password has been changed since the login.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, _ *http.Request) (authenticator.Refreshed, error) {
	if err := ctx.Err(); err != nil {
		return authenticator.Refreshed{}, err
	}
	var kept state
	if json.Unmarshal(authState, &kept) != nil {
		return authenticator.Refreshed{}, nil
	}
	found, known := a.source.users(ctx).entry(kept.Name)
	if !known || !hmac.Equal([]byte(kept.Entry), []byte(fingerprint(found))) {
		return authenticator.Refreshed{}, nil
	}
	return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
}

// Prompt is a form with user name and password.
func (a *Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Username: true, Password: true, Text: a.service}
}

// state is what is kept with the user: by the name here, since the hub's may be
// another.
type state struct {
	Name string `json:"name"`
	// Entry stands for the hash that the password was right for.
	Entry string `json:"entry"`
}

func stateOf(e *entry) json.RawMessage {
	text, _ := json.Marshal(state{Name: e.name, Entry: fingerprint(e)}) // two strings always encode
	return text
}

// fingerprint tells one hash from another and cannot be tried passwords against.
func fingerprint(e *entry) string {
	sum := sha256.Sum256([]byte(e.name + ":" + e.hash))
	return hex.EncodeToString(sum[:8])
}

// standIn is the entry that an unknown name is compared with. It must be the same
// one each time, or trying a name twice would tell that nobody has it.
func (t *table) standIn(seed [sha256.Size]byte, name string) *entry {
	if len(t.entries) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, seed[:])
	mac.Write([]byte(name))
	return t.entries[binary.BigEndian.Uint64(mac.Sum(nil))%uint64(len(t.entries))]
}
