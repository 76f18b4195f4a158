// Package authenticator says who somebody is and whether he may come in.
//
// An Authenticator answers the first question: it turns what a login form, an
// identity provider or an API request brought into an Identity. A Login answers
// the second: it holds one or several authenticators and puts the same rules
// around each of them, in JupyterHub's order:
//
//	throttle -> authenticate -> normalise -> validate -> blocked -> allowed -> admin
//
// What the package guarantees:
//
//   - Nobody gets in unless a rule lets him in. Without any rule Warnings says
//     so, and every refusal is logged with its reason.
//   - All refusals look the same to the person who tries: no answer tells a wrong
//     password from an unknown, blocked or not allowed user.
//   - A name has one canonical form (see Canonical). The rules, the throttle and
//     the result all speak of that form, so no alias of a name gets past a rule.
//   - Trouble of a system behind an authenticator is ErrUnavailable and becomes
//     a 503, never a 401 or 403.
//   - No password and no auth state is in any log line or error made here, and a
//     user name fills at most MaxLogBytes of a line.
//
// Several authenticators at once share the users: the name "ada" is the same user
// whichever of them vouched for it. Offer only authenticators side by side that
// agree on whose name is whose.
//
// Built-in authenticators are in folders below; package authenticatortest holds
// every one of them, and those of others, to the contract.
package authenticator
