// Package measure compares programs on one machine: it pins them to cores,
// sends load, counts what CPU time they and everybody else took, and prints
// tables. Linux only, since what it reads is in /proc.
//
// What it guarantees:
//
//   - Contenders take turns: a machine that gets slower or busier during a
//     comparison does so for all of them.
//   - A round in which programs that are not part of it took more CPU time than
//     allowed is repeated, and one that stays disturbed is marked as such.
//   - An answer that is not the expected one ends a round with an error: a fast
//     refusal is no result.
//
// A comparison is a list of Contenders, measured by Compare and printed by
// Table.
package measure
