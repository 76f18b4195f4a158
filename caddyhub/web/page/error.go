package page

import "net/http"

// Error is the page for a request that failed. The status given to Render may
// differ from Status (JupyterHub's /error/N answers 200).
type Error struct {
	// Status is the HTTP status that the page talks about.
	Status int

	// Message says what happened. Default: a sentence for Status.
	Message string

	// Links are what the visitor can do next. Default: home, or login.
	Links []Link

	// RequestID helps the operator to find the request in the logs. Empty: not
	// shown.
	RequestID string
}

func (Error) template() string { return "error" }

// Heading is a title for the status.
func (v Error) Heading() string { return http.StatusText(v.Status) }
