// Package oauth is the hub's OAuth 2 provider: single-user servers and services
// learn through it who visits them (JupyterHub "OAuth 2 provider", RFC 6749
// with RFC 7636). The only grant is the authorization code; there are no
// refresh tokens.
//
//	browser  GET  {hub}api/oauth2/authorize   who is it, may they, do they agree
//	         302  redirect_uri?code=…&state=… a code, good once and for a minute
//	client   POST {hub}api/oauth2/token       code and client secret for a token
//
// What it guarantees:
//
//   - Nobody is redirected before client and redirect_uri have been recognised,
//     the latter character by character.
//   - A code is stored as a keyed hash. It is bound to the client as registered
//     at that moment, to the redirect_uri, to one user (not a later one of the
//     same name), to a browser session that must still live, to the scopes and
//     to the PKCE challenge.
//   - A code is used up by the first attempt of its client, in the transaction
//     that makes the token. A second attempt revokes that token.
//   - A token gets what client, user and request all allow, and never more than
//     the person agreed to. At use it is cut to what its user may do then.
//   - Once a challenge was sent, the verifier is demanded. Only S256 is spoken.
//   - Trouble with the store is a 503, never a refusal.
package oauth
