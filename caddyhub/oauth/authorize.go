package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// authorizeParameters are the parameters of an authorization request; each may
// come once.
var authorizeParameters = []string{
	"client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method",
}

// authorizeRequest is an authorization request, not yet believed.
type authorizeRequest struct {
	clientID, redirectURI, responseType, state string
	scopes                                     []string
	challenge, challengeMethod                 string
}

// parseAuthorizeRequest reads the query. Its errors are refusals on a page.
func parseAuthorizeRequest(query string) (request authorizeRequest, err error) {
	if len(query) > maxQuery {
		return request, refuseOnPage(http.StatusRequestURITooLong, "The query is too long.")
	}
	values, err := parseParameters(query)
	if err != nil {
		return request, refuseOnPage(http.StatusBadRequest, "Unable to parse query string")
	}
	if name, found := values.duplicate(authorizeParameters); found {
		return request, refuseOnPage(http.StatusBadRequest, "Duplicate "+name+" parameter.")
	}
	return authorizeRequest{
		clientID: values.get("client_id"), redirectURI: values.get("redirect_uri"),
		responseType: values.get("response_type"), state: values.get("state"),
		scopes:    strings.Fields(values.get("scope")),
		challenge: values.get("code_challenge"), challengeMethod: values.get("code_challenge_method"),
	}, nil
}

// authorization is what came of an authorization request.
type authorization struct {
	client identity.OAuthClient
	// granted scopes, unexpanded and sorted.
	granted []string
	// confirm says that the visitor has to agree first.
	confirm bool
	// posted and permissions are for the consent page.
	posted      []string
	permissions []scope.Description
}

// weigh decides about a request of a visitor who is logged in. The error is a
// refusal or trouble with the store; the client is set if the refusal is to be
// told by redirect. agreed is what the visitor agreed to on the consent page,
// nil if that has not been asked yet.
func (p *Provider) weigh(ctx context.Context, visitor *identity.Identity, request authorizeRequest, agreed []string) (found authorization, err error) {
	err = p.directory.Store().View(ctx, func(r store.Reader) (err error) {
		found = authorization{}
		if found.client, err = recognise(r, request); err != nil {
			return err
		}
		if err := checkRequest(request); err != nil {
			return err
		}
		return p.weighScopes(r, visitor, request, agreed, &found)
	})
	return found, err
}

func (p *Provider) weighScopes(r store.Reader, visitor *identity.Identity, request authorizeRequest, agreed []string, found *authorization) error {
	if found.client.Target == (scope.Client{}) {
		return refuseOnPage(http.StatusInternalServerError, "OAuth configuration error")
	}
	granter := newGranter(r, p.directory.Definitions(), visitor, found.client)
	offered, err := granter.grant(request.scopes, visitor.Scopes)
	if err != nil {
		return err
	}
	allowed, err := granter.mayAccess(visitor.Scopes)
	if err != nil {
		return err
	}
	if !allowed {
		return refuseOnPage(http.StatusForbidden, "You do not have permission to access "+found.client.Description)
	}
	if found.granted = offered; agreed != nil {
		found.granted, err = granter.narrow(agreed, offered)
		return err
	}
	found.posted, found.permissions = granter.describe(offered)
	found.confirm, err = mustConfirm(r, visitor, found.client, offered)
	return err
}

// recognise returns the client if it may be redirected to. Nothing may be sent
// to an address before this (RFC 6749, 4.1.2.1).
func recognise(r store.Reader, request authorizeRequest) (identity.OAuthClient, error) {
	if request.clientID == "" {
		return identity.OAuthClient{}, refuseOnPage(http.StatusBadRequest, "Missing client_id parameter.")
	}
	client, err := identity.GetClient(r, request.clientID)
	if errors.Is(err, identity.ErrNotFound) || err == nil && len(client.SecretHash) == 0 {
		return identity.OAuthClient{}, refuseOnPage(http.StatusBadRequest, "Invalid client_id parameter value.")
	}
	if err != nil {
		return identity.OAuthClient{}, err
	}
	if client.RedirectURI == "" {
		return identity.OAuthClient{}, refuseOnPage(http.StatusBadRequest, "Missing redirect URI.")
	}
	if uri := request.redirectURI; uri != "" {
		if validateRedirect(uri) != nil {
			return identity.OAuthClient{}, refuseOnPage(http.StatusBadRequest, "Invalid redirect URI.")
		}
		if uri != client.RedirectURI {
			return identity.OAuthClient{}, refuseOnPage(http.StatusBadRequest, "Mismatching redirect URI.")
		}
	}
	return client, nil
}

// checkRequest finds mistakes that are told to the client.
func checkRequest(request authorizeRequest) error {
	switch request.responseType {
	case "code":
		return checkChallenge(request.challenge, request.challengeMethod)
	case "":
		return refuseByRedirect(invalidRequest, "Missing response_type parameter.")
	}
	return refuseByRedirect(unsupportedResponseType, "")
}

// mustConfirm says whether the visitor has to agree: not on the own server, not
// where the operator says so, and not twice to the same.
func mustConfirm(r store.Reader, visitor *identity.Identity, client identity.OAuthClient, granted []string) (bool, error) {
	if client.NoConfirm || client.Target.Server.User == visitor.Name() {
		return false, nil
	}
	tokens, err := identity.ClientTokens(r, client.ID, visitor.Owner)
	if err != nil {
		return true, err
	}
	agreed := make(map[string]bool)
	for _, token := range tokens {
		for _, text := range token.Scopes {
			agreed[text] = true
		}
	}
	for _, text := range granted {
		if !agreed[text] {
			return true, nil
		}
	}
	return false, nil
}

// issue stores a code and returns it.
func (p *Provider) issue(ctx context.Context, visit browser.Visit, request authorizeRequest, found authorization) (string, error) {
	secret, session := newSecret(), visit.Identity.Session
	err := p.directory.Store().Update(ctx, func(w store.Writer) error {
		return p.putNewCode(w, secret, code{
			ClientID:       found.client.ID,
			Registration:   found.client.SecretHash,
			RedirectURI:    request.redirectURI,
			User:           session.User,
			UserNumber:     session.UserNumber,
			Scopes:         found.granted,
			SessionID:      session.ID,
			BrowserSession: session.BrowserSession,
			Challenge:      request.challenge,
		})
	})
	return secret, err
}
