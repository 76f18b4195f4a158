// Package exchange turns a one-time token, which a portal gave a browser, into
// somebody who may come in: who it is, what the login may do, where it leads.
//
// A portal has two ways to make a token. An opaque one means something to the
// portal alone: the hub asks it, once ([Opaque]). JupyterHub's forced login
// ("Login with a token from an external app") is of this kind. A signed one says
// by itself what it means ([Signed]), as a JSON Web Token.
//
//	token -> Redeem: asked or verified, consumed -> Arrival -> rules of the hub
//	      -> session, or Hold: sealed until the browser has confirmed -> Take
//
// What it guarantees:
//
//   - One token makes one arrival, whatever node it is brought to and how often
//     at once. What names it is stored after it was believed and never before, so
//     that a stranger fills no memory; and for as long as it could be believed.
//   - A claim that says less (scopes, server) is never lost: one that cannot be
//     read refuses the token.
//   - No token, and no credentials of the portal, are in an error or a log.
//   - Trouble of the portal is ErrUnavailable, no verdict about anybody. A token
//     is sent to the portal's address alone: redirects are not followed.
//   - What is held for a browser is sealed, good for a few minutes, and once.
package exchange
