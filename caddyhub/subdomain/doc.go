// Package subdomain says which host belongs to whom when every user has one of
// their own (JupyterHub's subdomain_host), and reads hosts as clients write them.
//
// What it guarantees:
//
//   - A host is read in one way or refused: lower case, without a default port,
//     a trailing dot, a user or anything that is not ASCII. Two texts that are
//     accepted name the same host exactly if they come out equal.
//   - Different users and services have different hosts, however strange their
//     names are, and none has that of the hub.
package subdomain
