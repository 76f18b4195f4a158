package gate

import "net/http"

// misdirected answers a request that was sent to another host than what its path
// is about has: a person is shown the way, a program is told (RFC 9110, 15.5.20).
// Nothing about who sent it was looked at, and nothing is said about what is there.
func (a answer) misdirected() Decision {
	if a.forPerson() && a.reads() {
		return Decision{Verdict: Redirect, Status: http.StatusFound, Location: a.request.Elsewhere + a.request.URI}
	}
	return a.refuse(http.StatusMisdirectedRequest, "This is not at this host but at "+a.request.Elsewhere+".")
}
