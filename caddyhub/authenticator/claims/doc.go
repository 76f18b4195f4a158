// Package claims turns what an identity provider says about somebody into an
// identity: claims of OpenID Connect, or the answer of a provider's API.
//
// What it guarantees:
//
//   - Nothing is guessed. A claim of another type than was asked for is a refusal,
//     and so is a user name that is missing or empty.
//   - An e-mail address counts only if the provider says that it verified it, and
//     only if it has one "@": "ada@example.org@evil.example" is nobody's.
//   - Groups that are configured but missing are no groups, never "as before": who
//     lost the last one loses it here too.
//   - The refusal says to the operator which claim it was, and never its value.
package claims
