package web

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Choose asks a person who is logged in, and has opened a link with somebody else's
// token, as whom they want to act: for the edge.
func (s *Web) Choose(w http.ResponseWriter, r *http.Request, visit browser.Visit, choice browser.Choice) {
	s.setHeaders(w.Header())
	place := "the service " + choice.Service
	switch {
	case choice.User != "" && choice.Server != "":
		place = "the server " + choice.Server + " of " + choice.User
	case choice.User != "":
		place = "the server of " + choice.User
	}
	link := choice.Link.Name()
	if choice.Link.Service != "" {
		link = "the service " + link
	}
	view := page.ActAs{
		LinkName: link, Place: place, Action: choice.Action,
		Field: browser.ChoiceField, LinkValue: browser.ChooseGrant, LoginValue: browser.ChooseLogin,
	}
	s.options.Pages.Render(w, http.StatusOK, page.Visitor{Name: visit.Identity.Name(), XSRF: choice.XSRF}, view)
}
