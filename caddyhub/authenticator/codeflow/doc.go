// Package codeflow is the client's side of a login by authorization code (RFC 6749,
// section 4.1, as RFC 9700 wants it today), for the authenticators that use it.
//
// What it guarantees:
//
//   - A login can be completed only with the secret of the browser that began it.
//     State, nonce and PKCE verifier (RFC 7636, S256 alone) derive from that one
//     secret, so none can be forgotten, and none tells another.
//   - An answer is looked at in the order that keeps attackers out: its form, its
//     state, its issuer (RFC 9207), and only then what it says.
//   - A refusal by the provider is authenticator.ErrDenied; that it is away, or
//     does not accept the hub, is authenticator.ErrUnavailable: nobody is thrown out
//     because a client secret has expired.
//   - Requests to a provider follow no redirect, end after RequestTimeout and read
//     at most MaxBody. No error has a code, a token or a body in it.
package codeflow
