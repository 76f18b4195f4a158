// Package refresh asks again, while people work, whether the login elsewhere that
// their session began with still holds: JupyterHub's refresh_user, on every
// request that carries a session and for every WebSocket that one has opened.
//
// What it guarantees:
//
//   - Nothing is asked, and no store is read, while the last answer is younger
//     than Options.Every.
//   - No session is honoured later than Every and Grace together after its login
//     was last confirmed. Until then trouble of the identity service changes
//     nothing; from then on it is ErrUnconfirmed, a 503 and never a logout.
//   - Of each user, one question to each authenticator is under way at most, on
//     all nodes together, and after one that brought no answer there is a rest.
//   - A request waits for an answer only if the last one is older than twice Every
//     or the grace is about to end; and not for long while there is grace left.
//   - No means that every session of the user by that authenticator ends, with its
//     tokens, in one transaction. What has changed is written in one as well.
//   - A login that succeeds while a question is under way makes the answer void.
//
// Requests by API tokens ask nothing: tokens are no sessions, and end when they
// expire or are revoked.
package refresh
