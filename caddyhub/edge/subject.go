package edge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// lookAtSubject finds out who sent the request and what they may do.
func (e *Edge) lookAtSubject(r *http.Request, v *visit) {
	found, err := e.identify(r, v)
	v.Visit = found
	v.subject.Ambiguous = found.Credentials.Ambiguous
	v.subject.ByCookie = found.ByCookie
	v.subject.SameOrigin = e.options.Browser.Origins(r).Same(r)
	switch {
	case errors.Is(err, refresh.ErrUnconfirmed):
		v.subject.Identity = gate.IdentityUnconfirmed
		return
	case err != nil:
		v.subject.Identity = gate.IdentityUnavailable
		e.report(r.Context(), "request not identified", err)
		return
	case found.Identity == nil:
		v.subject.Ended = e.ended(found, v.client)
		return
	}
	v.subject.Identity = gate.IdentityVerified
	v.subject.XSRF = e.options.Browser.XSRF(r, v.Visit, e.area(v), e.prefix(v))
	v.subject.Confined = v.confined()
	v.subject.Access = e.accessOf(r.Context(), v.Identity, v.client)
}

// ended says whether a request has the visitor token of a page that was let in to
// the same place before, however long ago.
func (e *Edge) ended(visit browser.Visit, client scope.Client) bool {
	token := visit.Credentials.VisitorToken
	if token == "" {
		return false
	}
	found, ok := e.options.Directory.OpenVisitorToken(token)
	return ok && found.Client == client
}

// identify is Browser.Identify with what is special in front of servers: the
// tokens of the edge's own that pages send back, and tokens in the URL of a
// WebSocket, to which a browser can give no header (JupyterHub 5.4). In the URL
// of a page no token counts: a link could log somebody in as somebody else.
func (e *Edge) identify(r *http.Request, v *visit) (browser.Visit, error) {
	names := e.options.Browser.CredentialNames(r)
	names.TokenInURL = v.request.Class.Kind == gate.KindWebSocket
	visit := e.options.Browser.Presented(r, names)
	credentials := &visit.Credentials
	if credentials.Ambiguous {
		return visit, nil
	}
	if credentials.Token != "" {
		found, err := e.options.Directory.ByToken(r.Context(), credentials.Token)
		if !errors.Is(err, identity.ErrInvalid) {
			visit.Identity = found
			return visit, err
		}
		if !credentials.FromURL {
			return visit, nil
		}
		// In a URL it may be anything that an application calls a token.
		credentials.Token, credentials.FromURL = "", false
	}
	return e.visitor(r, v, visit)
}

// visitor identifies by the session cookie or a grant, and by a visitor token where that
// says more. Beside a session the token is no identity, so that a page which
// was opened in an earlier login, or given a token by somebody else, acts for
// whoever is logged in now. But a token for this very visit proves that a page
// of this server sent the request.
func (e *Edge) visitor(r *http.Request, v *visit, visit browser.Visit) (browser.Visit, error) {
	visit, err := e.options.Browser.BySession(r.Context(), visit)
	if err == nil {
		visit, err = e.byGrant(r, v, visit)
	}
	token := visit.Credentials.VisitorToken
	if err != nil || token == "" {
		return visit, err
	}
	if visit.Identity != nil {
		visit.ByCookie = !e.ofVisit(token, visit.Identity, v.client)
		return visit, nil
	}
	inHeader := strings.HasSuffix(strings.TrimRight(r.Header.Get("Authorization"), " \t"), token)
	if !inHeader && v.request.Class.Kind != gate.KindWebSocket {
		return visit, nil
	}
	visit.Identity, err = e.options.Browser.ByToken(r.Context(), visit, token)
	if errors.Is(err, identity.ErrInvalid) {
		err = nil
	}
	return visit, err
}

// accessOf asks the scopes of a verified identity. What does not exist is
// refused to nobody, and answered 404.
func (e *Edge) accessOf(ctx context.Context, visitor *identity.Identity, client scope.Client) gate.Access {
	name, on := "access:servers", scope.OnServer(client.Server.User, client.Server.Name)
	switch {
	case client.Service != "":
		name, on = "access:services", scope.OnService(client.Service)
	case client.Server.IsZero():
		return gate.AccessGranted
	}
	// Only scopes that are filtered by group need the store.
	var err error
	granted := visitor.Scopes.Check(name, on, func(user string) (groups []string) {
		failed := e.options.Directory.Store().View(ctx, func(r store.Reader) error {
			of, failed := identity.Memberships(r)
			groups = of(user)
			return failed()
		})
		err = cmp.Or(err, failed)
		return groups
	})
	switch {
	case err != nil:
		e.report(ctx, "access not decided", err)
		return gate.AccessUnavailable
	case granted == scope.Granted:
		return gate.AccessGranted
	case granted == scope.Elsewhere:
		return gate.AccessElsewhere
	}
	return gate.AccessNone
}

// report logs trouble of ours; that a client has gone is none.
func (e *Edge) report(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		e.log.ErrorContext(ctx, message, "error", err)
	}
}
