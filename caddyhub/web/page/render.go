package page

import (
	"net/http"
)

// View is one of the view models of this package.
type View interface {
	template() string
}

// Render writes a page.
func (p *Pages) Render(w http.ResponseWriter, status int, visitor Visitor, view View) {
}

func validSource(string) bool { return true }
