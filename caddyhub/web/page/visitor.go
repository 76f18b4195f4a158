package page

// Visitor is what every page knows of the person who looks at it: it fills the
// bar at the top and signs the forms. The zero value is somebody who has not
// logged in.
type Visitor struct {
	// Name of the user. Empty: nobody is logged in.
	Name string

	// XSRF is the token that every form and every API call of the page carries
	// (JupyterHub 4.2), as field _xsrf and header X-XSRFToken.
	XSRF string

	// AdminURL is where the admin page is. Empty: the visitor may not see it.
	AdminURL string

	// LoginURL and LogoutURL default to login and logout under the hub's path.
	LoginURL, LogoutURL string

	// Services fill the services menu. None: no menu.
	Services []Link

	// Notices are shown above the page, for example "You are logged out."
	Notices []Notice
}

// Link is a named address.
type Link struct {
	Label string
	URL   string
}

// Notice is a short message above the content of a page.
type Notice struct {
	Kind NoticeKind
	Text string
}

// NoticeKind says how loud a notice is. The zero value is Info.
type NoticeKind string

// The kinds of notices. Warning and Failure interrupt a screen reader.
const (
	Info    NoticeKind = ""
	Success NoticeKind = "success"
	Warning NoticeKind = "warning"
	Failure NoticeKind = "failure"
)

// Urgent says whether a screen reader should interrupt itself.
func (k NoticeKind) Urgent() bool { return k == Warning || k == Failure }

// Class is the name of the kind in the stylesheet.
func (k NoticeKind) Class() string {
	switch k {
	case Success, Warning, Failure:
		return string(k)
	default:
		return "info"
	}
}
