// Package jwks verifies JSON Web Tokens that others have signed (RFC 7519): the
// portal behind a one-time link, the site whose login cookie is trusted.
//
// A [Verifier] holds one kind of key, chosen by the configuration and never by
// the token: a shared secret, public keys in PEM, or a key set at a URL (RFC
// 7517). What it guarantees:
//
//   - The key pins the algorithms. A shared secret verifies HS256, HS384 and
//     HS512 only, a public key never HMAC, and "none" is no algorithm. Of a key
//     set only public signing keys count, each for the algorithms that fit it.
//   - No token is valid for ever: "exp" must be there, and "iat" and "nbf" must
//     not be in the future if they are. Who expects a lifetime, an issuer or an
//     audience gets tokens that have them.
//   - What a token names is never followed: "jku", "jwk" and "x5c" in its header
//     mean nothing, and "crit" (RFC 7515, section 4.1.11) refuses it.
//   - [ErrInvalid] tells the client nothing; the reason behind it is for the
//     operator's log. No error and no log line has a token or a part of one.
//   - A key set that is down refuses nobody at once: the keys last read serve for
//     [Options.MaxStale]. After that, and before the first, it is [ErrUnavailable],
//     which is trouble of ours and no verdict about anybody.
//   - Size and time are bounded: of tokens, of key sets, and of how often a
//     stranger's token can make us fetch one.
package jwks
