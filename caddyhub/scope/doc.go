// Package scope is JupyterHub's permission language: scopes such as
// "read:users", filters such as "!group=astro", and what they add up to.
//
// The way of a permission through this package:
//
//	texts of roles, tokens, shares
//	  -> Parse                  syntax and limits of one text
//	  -> Definitions.Expand     subscopes added, placeholders filled in: a Set
//	  -> Intersect              what a token may do of what its owner may do
//	  -> Set.Check              may it do this, to that resource?
//
// What the package guarantees:
//
//   - It is pure. There is no I/O, no clock and no shared state; a Set and a
//     Definitions never change after they are made and may be used by any
//     number of goroutines. Group membership is asked of the caller (GroupsOf).
//   - It fails closed. What cannot be parsed, resolved or matched grants
//     nothing; the zero Set grants nothing.
//   - Expansion, reduction, intersection and the decisions are those of
//     JupyterHub 5.5.1 (its documentation, "RBAC"). A test compares them with
//     the Python package over thousands of random sets. The deliberate
//     differences: Parse refuses empty filters, control characters and a
//     server filter without a user, which JupyterHub lets pass and then
//     misreads; a cycle of custom subscopes is an error when it is defined,
//     not when it is used; and a scope shared through a group counts for tokens
//     too (see Definitions.Token).
//   - Set.Check does not allocate.
package scope
