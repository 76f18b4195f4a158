package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// maxAnswers bounds what one server can make this process read in one login, in
// bytes.
const maxAnswers = 32 << 20

// connection is one to a server, for one login.
type connection struct {
	*ldap.Conn
	timeout time.Duration
}

// with calls use with a connection to the first server that can be reached. It
// goes on with the next server as long as use fails with ErrUnavailable.
func (a *Authenticator) with(ctx context.Context, use func(*connection) error) error {
	select {
	case a.working <- struct{}{}:
		defer func() { <-a.working }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var failures []error
	first := a.good.Load()
	for i := range a.servers {
		at := (int(first) + i) % len(a.servers)
		err := a.withServer(ctx, a.servers[at], use)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, authenticator.ErrUnavailable):
			a.good.Store(int32(at))
			return err
		}
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "LDAP server in trouble",
			slog.String("server", a.servers[at].address), slog.String("error", err.Error()))
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

func (a *Authenticator) withServer(ctx context.Context, to server, use func(*connection) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	connected, err := a.connect(ctx, to)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", authenticator.ErrUnavailable, to.address, err)
	}
	defer connected.Close()
	if err = use(connected); ctx.Err() != nil && err != nil && !errors.Is(err, authenticator.ErrUnavailable) {
		// The connection was closed under what used it.
		err = fmt.Errorf("%w: %s: %w", authenticator.ErrUnavailable, to.address, context.Cause(ctx))
	}
	return err
}

// connect returns a connection that is closed when the context ends, with TLS in
// place unless it is not wanted.
func (a *Authenticator) connect(ctx context.Context, to server) (*connection, error) {
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", to.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = plain.Close() })
	bounded := &bounded{Conn: plain, left: maxAnswers, stop: stop}
	config := a.options.tlsConfig(to)
	if to.tls {
		secure := tls.Client(bounded, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = bounded.Close()
			return nil, err
		}
		return a.started(ldap.NewConn(secure, true)), nil
	}
	connected := a.started(ldap.NewConn(bounded, false))
	if a.options.Insecure {
		return connected, nil
	}
	if err := connected.StartTLS(config); err != nil {
		_ = connected.Close()
		return nil, fmt.Errorf("TLS could not be started: %w", err)
	}
	return connected, nil
}

func (a *Authenticator) started(connected *ldap.Conn) *connection {
	connected.SetTimeout(a.options.Timeout)
	connected.Start()
	return &connection{Conn: connected, timeout: a.options.Timeout}
}

// bounded is a connection over which only so much can be received.
type bounded struct {
	net.Conn
	left int64 // of one reader
	stop func() bool
}

// Read fails once too much has been received.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Close closes it, and forgets the context.
func (b *bounded) Close() error {
	b.stop()
	return b.Conn.Close()
}

var errTooMuch = fmt.Errorf("more than %d bytes in one login: %w", maxAnswers, io.ErrUnexpectedEOF)

// bind proves who somebody is. Of all errors ErrDenied alone says that the
// credentials are wrong.
func (c *connection) bind(dn, password string) error {
	if dn == "" || password == "" {
		// An empty one of either makes it an anonymous bind, which succeeds.
		return authenticator.ErrDenied
	}
	err := c.Bind(dn, password)
	switch {
	case err == nil:
		return nil
	case ldap.IsErrorAnyOf(err, refusals...):
		return authenticator.ErrDenied
	}
	return trouble("bind", err)
}

// refusals are answers to a bind that are about the user.
var refusals = []uint16{
	ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax,
	ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConstraintViolation,
	ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnwillingToPerform,
	ldap.LDAPResultInvalidAttributeSyntax, ldap.LDAPResultNamingViolation,
}

// trouble is an error that is not about the user. Messages of servers have no
// passwords in them; names they may have, so that they are cut like names.
func trouble(what string, err error) error {
	return fmt.Errorf("%w: %s: %s", authenticator.ErrUnavailable, what, authenticator.ForLog(err.Error()))
}

// errNoAccess says that whoever searched may not.
var errNoAccess = errors.New("ldap: not allowed to search")

// search returns entries. That there is nothing at the base is an empty list, and
// referrals are left out.
func (c *connection) search(request *ldap.SearchRequest) ([]*ldap.Entry, error) {
	request.TimeLimit = max(int(c.timeout/time.Second), 1)
	request.DerefAliases = ldap.NeverDerefAliases
	result, err := c.Search(request)
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject), ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidDNSyntax):
		return nil, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights):
		return nil, fmt.Errorf("%w: %w", errNoAccess, trouble("search", err))
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && result != nil:
		return result.Entries, nil
	case err != nil:
		return nil, trouble("search", err)
	}
	return result.Entries, nil
}
