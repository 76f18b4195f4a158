// Package remoteuser is an authenticator for hubs behind a proxy that logs people
// in itself and says in a header who they are: Apache or nginx with Kerberos,
// Shibboleth, client certificates, or an authenticating gateway.
//
// What it guarantees:
//
//   - The header counts only on a connection that comes straight from a trusted
//     proxy. Without a list of those there is no authenticator.
//   - It counts only if it is there once, under exactly its name. A request that
//     has it twice, or beside it one that some programs take for the same (with an
//     underscore, a dot, in another case), is refused: the proxy has set one of
//     them and a visitor the other.
//   - Nobody logs in by a form.
//   - Refresh ends a session when the proxy names nobody or somebody else. From a
//     request that did not come from the proxy it learns nothing.
package remoteuser

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// DefaultHeader is the header that has the name.
const DefaultHeader = "Remote-User"

// Options says what the proxy sends, and which one it is.
type Options struct {
	// Header has the name of the user. Empty: DefaultHeader.
	Header string
	// GroupsHeader has the groups of the user, separated by GroupsSeparator. Empty:
	// nothing is said about groups.
	GroupsHeader string
	// GroupsSeparator stands between groups. Empty: a comma.
	GroupsSeparator string
	// StateHeaders are kept in the auth state, under these names.
	StateHeaders []string
	// Trusted are the addresses of proxies.
	Trusted []netip.Prefix
	// TrustLocal trusts what connects over a Unix socket.
	TrustLocal bool
	// Peer returns who is at the other end of the connection, HOST:PORT, whatever a
	// proxy says of the client. Nil: RemoteAddr of the request.
	Peer func(*http.Request) string
	// OnlyAtLogin says that the proxy sends the header with requests to the login
	// page only, so that nothing can be learned from others.
	OnlyAtLogin bool
	// LogoutURL is where to go after the logout, to end the login at the proxy.
	// Empty: nowhere.
	LogoutURL string
	// Service is what the login page calls it where there are several ways to log
	// in. Empty: "single sign-on".
	Service string
}

// Authenticator takes the proxy's word. Its methods may be called from any
// goroutine.
type Authenticator struct{ options Options }

// New checks the options.
func New(o Options) (*Authenticator, error) {
	o.Header = cmp.Or(o.Header, DefaultHeader)
	o.GroupsSeparator = cmp.Or(o.GroupsSeparator, ",")
	o.Service = cmp.Or(o.Service, "single sign-on")
	if len(o.Trusted) == 0 && !o.TrustLocal {
		return nil, errors.New("remote_user: no proxy is trusted; without that anybody could send the header and be anybody")
	}
	for _, prefix := range o.Trusted {
		if prefix.Bits() == 0 {
			return nil, fmt.Errorf("remote_user: %s trusts everybody on the network to be the proxy, so that anybody could be anybody", prefix)
		}
	}
	if o.Peer == nil {
		o.Peer = func(r *http.Request) string { return r.RemoteAddr }
	}
	seen := make(map[string]bool)
	for _, name := range slices.Concat([]string{o.Header}, o.StateHeaders, optional(o.GroupsHeader)) {
		if skeleton(name) == "" || http.CanonicalHeaderKey(name) == "" || strings.ContainsFunc(name, notToken) {
			return nil, fmt.Errorf("remote_user: %q is no name of a header", name)
		}
		if seen[skeleton(name)] {
			return nil, fmt.Errorf("remote_user: the header %s is given twice", name)
		}
		seen[skeleton(name)] = true
	}
	if special := []string{"authorization", "cookie", "host", "xforwardedfor"}; slices.Contains(special, skeleton(o.Header)) {
		return nil, fmt.Errorf("remote_user: the header %s has another meaning", o.Header)
	}
	return &Authenticator{options: o}, nil
}

func optional(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// notToken holds for what cannot be in the name of a header (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// skeleton is what programs may take two names of headers for the same by: CGI
// makes an underscore of a hyphen, others of everything that is no letter.
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r | 0x20
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

var (
	errElsewhere = &authenticator.Error{
		Status: http.StatusForbidden, Message: "Logging in is possible through the proxy of this hub only.",
	}
	errAmbiguous = &authenticator.Error{
		Status: http.StatusBadRequest, Message: "The request says in more than one way who sends it.",
	}
)

// Authenticate takes the name from the header. It knows no forms.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if attempt.Request == nil || len(attempt.Form) > 0 {
		return nil, authenticator.ErrDenied
	}
	if !a.trusts(attempt.Request) {
		return nil, errElsewhere
	}
	return a.identity(attempt.Request)
}

// identity is what the proxy says, or an error: errAmbiguous or ErrDenied.
func (a *Authenticator) identity(r *http.Request) (*authenticator.Identity, error) {
	name, there, err := single(r.Header, a.options.Header)
	switch {
	case err != nil:
		return nil, err
	case !there || authenticator.ValidateName(authenticator.Canonical(name)) != nil:
		return nil, authenticator.ErrDenied
	}
	identity := &authenticator.Identity{Name: name}
	kept := state{Name: authenticator.Canonical(name)}
	if a.options.GroupsHeader != "" {
		list, _, err := single(r.Header, a.options.GroupsHeader)
		if err != nil {
			return nil, err
		}
		identity.Groups = a.groups(list)
		kept.Groups = identity.Groups
	}
	for _, header := range a.options.StateHeaders {
		value, there, err := single(r.Header, header)
		if err != nil {
			return nil, err
		}
		if there {
			if kept.Headers == nil {
				kept.Headers = make(map[string]string)
			}
			kept.Headers[header] = value
		}
	}
	identity.AuthState, err = json.Marshal(kept)
	return identity, err
}

// state is the auth state: what the proxy said.
type state struct {
	Name    string            `json:"name"`
	Groups  []string          `json:"groups,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// single returns the value of a header that is there at most once and has no alias.
func single(header http.Header, name string) (value string, there bool, err error) {
	wanted := skeleton(name)
	for key, values := range header {
		if skeleton(key) != wanted {
			continue
		}
		if key != http.CanonicalHeaderKey(name) || len(values) != 1 || there {
			return "", false, errAmbiguous
		}
		value, there = strings.TrimSpace(values[0]), true
	}
	if !utf8.ValidString(value) {
		return "", false, errAmbiguous
	}
	return value, there && value != "", nil
}

// groups takes a list apart; never nil.
func (a *Authenticator) groups(list string) []string {
	groups := []string{}
	for group := range strings.SplitSeq(list, a.options.GroupsSeparator) {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// trusts reports whether a request came straight from a proxy.
func (a *Authenticator) trusts(r *http.Request) bool {
	peer := a.options.Peer(r)
	if peer == "" || peer == "@" { // what a Unix socket has for an address
		return a.options.TrustLocal
	}
	address, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	ip := address.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(a.options.Trusted, func(prefix netip.Prefix) bool { return prefix.Contains(ip) })
}

// Refresh looks whom the proxy names now.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, r *http.Request) (authenticator.Refreshed, error) {
	if err := ctx.Err(); err != nil {
		return authenticator.Refreshed{}, err
	}
	if a.options.OnlyAtLogin {
		return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
	}
	if r == nil || !a.trusts(r) {
		return authenticator.Refreshed{}, fmt.Errorf("%w: the request did not come from the proxy", authenticator.ErrUnavailable)
	}
	var kept state
	now, err := a.identity(r)
	if err != nil || json.Unmarshal(authState, &kept) != nil || authenticator.Canonical(now.Name) != kept.Name {
		return authenticator.Refreshed{}, nil
	}
	if bytes.Equal(now.AuthState, authState) {
		return authenticator.Refreshed{Outcome: authenticator.Fresh}, nil
	}
	return authenticator.Refreshed{Outcome: authenticator.Changed, Identity: now}, nil
}

// AutoLogin is true: there is nothing to ask.
func (a *Authenticator) AutoLogin() bool { return true }

// LogoutURL is where the proxy ends its login.
func (a *Authenticator) LogoutURL(context.Context, json.RawMessage) (string, error) {
	return a.options.LogoutURL, nil
}

// Prompt is a button, where there are other ways to log in.
func (a *Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Service: a.options.Service}
}
