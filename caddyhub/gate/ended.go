package gate

import "strings"

// endedMessage is what people read whose page has outlived their login: JupyterLab
// shows the message of an answer when it could not save.
const endedMessage = "Your login has ended. Log in again in another tab of this browser, then go on here: what you have not saved is still there."

// loginFor is login, for a request by a page that is open still. What the page does
// with a refusal decides whether work is lost:
//
//   - A save is answered 401 with words for the person. JupyterLab shows them and
//     keeps what is not saved.
//   - A kernel is asked after when its WebSocket could not be opened again. With 401
//     or 403, JupyterLab believes that the kernel has died, and never connects to it
//     again. With 503 it asks later, and goes on with the kernel once somebody has
//     logged in.
func (a answer) loginFor(subject Subject) Decision {
	d := a.login()
	if !subject.Ended || a.forPerson() {
		return d
	}
	if a.reads() && asksAfterKernel(a.request.URI) {
		d = a.unavailable()
		d.LoginURL = a.login().LoginURL
	}
	d.Message = endedMessage
	return d
}

// asksAfterKernel says whether a path ends as that of the model of one kernel.
func asksAfterKernel(uri string) bool {
	path, _, _ := strings.Cut(uri, "?")
	at := strings.LastIndexByte(path, '/')
	return at >= 0 && at+1 < len(path) && strings.HasSuffix(path[:at], "/api/kernels")
}
