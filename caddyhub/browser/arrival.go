package browser

import (
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// arrivalCookie is the handle of somebody who came by a one-time token and has not
// been let in yet.
const arrivalCookie = "caddyhub-arrival"

// maxArrivals is how many handles one request may bring: each costs a look into the
// store, and any page on this host can set a cookie of this name.
const maxArrivals = 3

// SetArrival gives the browser a handle, for one path alone.
func (b *Browser) SetArrival(w http.ResponseWriter, r *http.Request, path, handle string, lifetime time.Duration) {
	b.set(w, r, http.Cookie{
		Name: b.arrivalName(r), Value: handle, Path: path, HttpOnly: true, MaxAge: int(lifetime / time.Second),
	})
}

// Arrivals are the handles that a request brings.
func (b *Browser) Arrivals(r *http.Request) []string {
	handles := gate.CookieValues(r.Header, b.arrivalName(r))
	return handles[:min(len(handles), maxArrivals)]
}

// ClearArrival takes the handle for a path out of the browser.
func (b *Browser) ClearArrival(w http.ResponseWriter, r *http.Request, path string) {
	b.clear(w, r, b.arrivalName(r), path)
}

// arrivalName has no __Host-: the cookie is for one path.
func (b *Browser) arrivalName(r *http.Request) string {
	if b.Secure(r) {
		return securePrefix + arrivalCookie
	}
	return arrivalCookie
}
