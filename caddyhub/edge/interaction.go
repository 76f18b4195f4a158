package edge

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// A page that nobody touches is not silent. JupyterLab asks for kernels, sessions,
// terminals and files every ten seconds, by GET; with each answer it saves its
// layout, by PUT, changed or not. Over a WebSocket that it opens, or opens again
// after a loss, it asks the kernel who it is and what was typed before, or tells a
// terminal its size. None of that is what a person does. What cannot be told apart
// without reading what is sent is taken for a person's: a notebook that is saved
// because its kernel goes on printing, and the data by which some applications
// keep their WebSockets alive.

// settling is for how long after a WebSocket was opened its data is the page's.
const settling = 10 * time.Second

// layouts is where JupyterLab saves the layout of its windows, below a server.
const layouts = "lab/api/workspaces/"

// interacts says whether a request is what a person does and not what a page does
// by itself: going to a page, or a method that changes something.
func (v *visit) interacts() bool {
	switch v.request.Class.Kind {
	case gate.KindNavigation:
		return true
	case gate.KindWebSocket:
		return false
	}
	switch v.request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return !strings.HasPrefix(v.belowServer(), layouts)
}

// belowServer is the path below that of the visited server, without a leading
// slash and as it was sent.
func (v *visit) belowServer() string {
	_, below, _ := strings.Cut(v.path.Below(), "/") // user
	_, below, _ = strings.Cut(below, "/")
	if v.client.Server.Name != "" {
		_, below, _ = strings.Cut(below, "/")
	}
	return below
}

// byServer says whether the server itself sent this, with its own token. By a grant
// of that token somebody visits who got it in a link.
func (v *visit) byServer() bool {
	return v.Identity.Token != nil && v.Identity.Token.OfServer() && v.Identity.Grant == nil
}

// socketActivity is the activity of one WebSocket. It is a proxy.Interaction.
type socketActivity struct {
	*activity
	// settled is when the page has said what it says by itself.
	settled time.Time
}

// Interact notes that a person does something, once the WebSocket has settled.
func (a *socketActivity) Interact(now time.Time) {
	if !now.Before(a.settled) {
		a.activity.Interact(now)
	}
}
