package page

import "net/http"

// Error is the page for a request that failed. The status given to Render may
// differ from Status (JupyterHub's /error/N answers 200).
type Error struct {
	// Status is the HTTP status that the page talks about.
	Status int

	// Title and Hint replace the heading and the advice for Status.
	Title, Hint string

	// Message says what happened. Empty: heading and advice say enough.
	Message string

	// Links are what the visitor can do next. Default: home, or login.
	Links []Link

	// RequestID helps the operator to find the request in the logs. Empty: not
	// shown.
	RequestID string
}

func (Error) template() string { return "error" }

// Heading is a title for the status, in plain words.
func (v Error) Heading() string {
	if v.Title != "" {
		return v.Title
	}
	switch v.Status {
	case http.StatusForbidden:
		return "You do not have access to this"
	case http.StatusNotFound:
		return "There is nothing here"
	case http.StatusTooManyRequests:
		return "Too many requests at once"
	case http.StatusInternalServerError:
		return "Something went wrong in the hub"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "This does not answer at the moment"
	}
	if text := http.StatusText(v.Status); text != "" {
		return text
	}
	return "Something went wrong"
}

// Advice is a sentence that one can act on.
func (v Error) Advice() string {
	if v.Hint != "" {
		return v.Hint
	}
	switch v.Status {
	case http.StatusBadRequest:
		return "Go back, load the page again, and try once more."
	case http.StatusUnauthorized:
		return "Log in, then try again."
	case http.StatusForbidden:
		return "If you should have access, ask the owner to share it with you, or log in with another account."
	case http.StatusNotFound:
		return "Check the address. If somebody gave you this link, it may have expired; ask for a new one."
	case http.StatusMethodNotAllowed:
		return "This address cannot be used that way. Start again from the home page."
	case http.StatusTooManyRequests:
		return "Wait a minute, then try again."
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "Wait a moment and load the page again; if it is your own server, you can restart it from the home page."
	}
	if v.Status >= 500 {
		return "Load the page again in a moment. If it happens again, tell the people who run this hub what you did and when."
	}
	return "Start again from the home page."
}
