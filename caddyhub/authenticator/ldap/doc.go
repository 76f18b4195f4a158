// Package ldap is an authenticator for users of a directory (LDAP version 3, RFC
// 4511), with what JupyterHub's ldapauthenticator can do.
//
// A login finds the entry of the user, binds as that entry with the password, and
// looks at its groups:
//
//	with BindDNTemplates:  bind as the template's DN -> read the entry -> groups
//	without:               bind as SearchUser -> search the entry -> bind as it -> groups
//
// What it guarantees:
//
//   - No bind without a password. A server takes one for an anonymous login and
//     answers yes (RFC 4513, 5.1.2).
//   - What a person typed is escaped wherever it gets into a DN or a filter.
//   - The name of the user is the one in the directory. A server ignores case,
//     spaces and more when it compares; whoever typed another spelling than the
//     entry has, case aside, is refused, so that nobody has two users here.
//   - No password and no name crosses the network before TLS is up and the
//     certificate of the server is verified, unless Insecure says so.
//   - A referral to another server is not followed: nothing says that it may see
//     the password.
//   - Trouble with the servers is ErrUnavailable, and the next server is asked.
//   - An unknown user costs the same exchanges as a wrong password.
package ldap
