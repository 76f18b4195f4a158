// Package externalcookie logs people in by a cookie that another site of the same
// domain has given them. Whose cookie it is that site says, when it is asked at a
// URL, or the cookie itself does, if it is a JSON Web Token.
//
// What it guarantees:
//
//   - Yes is an answer with status 200 and a name in it; no is 401, 403 or
//     "active": false. Everything else, a redirection included, is trouble of the
//     site: nobody comes in by it, and nobody is logged out.
//   - Only this one cookie is sent to the site, and to its URL alone: redirections
//     are not followed.
//   - A session goes on only for the person who began it. A browser whose cookie
//     now belongs to somebody else has to log in again.
//   - Of several cookies of the name, which a neighbour may have set, none logs
//     anybody in. A session goes on if one of them is still that of its user.
//   - No cookie is in an error or a log; the last one that was good is kept in the
//     auth state, sealed, so that a login can be confirmed without a browser.
package externalcookie
