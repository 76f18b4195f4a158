// Package web answers browsers: login, logout, the pages of the hub, and what
// a person sees when there is nothing to see. How pages look is package page.
//
// What it guarantees:
//
//   - Only the session cookie counts here; tokens of the API open no pages. A
//     one-time token of a portal becomes a session, once (Arrive).
//   - Nothing changes by a GET, with the exceptions that links and other people's
//     programs rely on: {hub}logout, {hub}spawn, which starts a server (JupyterHub
//     "HTML pages and redirects"), and a one-time token. Every post by a session
//     proves that a page of ours sent it, the login form that this browser
//     asked for it.
//   - A login gives the browser a session with a new id and ends the one that
//     it had: who planted or stole the old one has nothing. Only who comes by a
//     one-time token and is logged in as the same user keeps the session.
//   - A browser is sent to another place only after package nexturl agreed.
//   - While the store is away the answer is 503 with Retry-After, never a login
//     page and never 403.
//   - No page waits for a server longer than a second. An arrival does that is to
//     start one, longest where there is no page to wait on.
package web
