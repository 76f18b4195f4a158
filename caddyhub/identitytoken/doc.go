// Package identitytoken tells upstreams who visits, by a signed JSON Web Token
// (RFC 7519) that they can verify without asking anybody.
//
// What it guarantees:
//
//   - A token is good for five minutes at most, for one audience, and says of its
//     subject what was true when it was handed out: a request after a change of
//     groups or of the admin flag brings another token.
//   - Keys rotate by themselves, on every node in the same way and with no node in
//     charge. A new key is in the JWKS (RFC 7517) a day before it signs, and one
//     that was replaced stays there until all that it signed has expired.
//   - Private keys lie in the store sealed by the key ring; a copy of the store
//     signs nothing.
//   - A request pays for no signature: a token is used again for half of its life.
//
// The claims of a token:
//
//	iss     the hub as users see it, with its path: "https://hub.example.org/hub";
//	        the keys are at {iss}/.well-known/jwks.json
//	aud     the app that the token is for
//	sub     name of the user or service; see kind
//	kind    "user" or "service": one of each may have the same name
//	name    what to call the visitor; today the same as sub
//	groups  of a user, all of them, in alphabetical order; may be empty
//	admin   true for administrators of the hub; else absent
//	scopes  what the credential may do that is of the app's concern: the scopes by
//	        which it got in, and custom scopes; absent if there are none
//	iat     when it was made
//	nbf     a few seconds earlier, for clocks that are behind
//	exp     when it ends, at most five minutes after nbf
//	jti     names this token and no other
package identitytoken
