package page

import "html/template"

// Login is the login page. Several authenticators may each bring a form or a
// button.
type Login struct {
	// Forms and Buttons are the ways to log in, in order; forms come first.
	Forms   []LoginForm
	Buttons []Link

	// CustomHTML stands in the place of Forms and Buttons. It is trusted.
	CustomHTML template.HTML

	// Error is why the last attempt failed, for example
	// "Invalid username or password".
	Error string

	// TermsURL leads to terms that must be accepted to log in by form. Empty:
	// no such box.
	TermsURL string
}

// LoginForm posts credentials.
type LoginForm struct {
	// Action is where the form goes, with next in its query when there is one.
	Action string

	// Title distinguishes several forms, for example "Guest account". It is
	// not shown when there is only one way to log in and Title is empty.
	Title string

	// Fields as the authenticator wants them. See PasswordForm.
	Fields []Field

	// Submit is the text of the button. Default: Sign in.
	Submit string
}

// PasswordForm is the form for a user name and a password, with the ids and
// field names of JupyterHub's (username_input, password_input). otpPrompt adds
// a field otp for a one-time code; empty: none.
func PasswordForm(action, username, otpPrompt string) LoginForm {
	form := LoginForm{Action: action, Fields: []Field{
		{Name: "username", Label: "Username", ID: "username_input", Value: username,
			Autocomplete: "username", Required: true, Autofocus: username == ""},
		{Name: "password", Label: "Password", ID: "password_input", Type: "password",
			Autocomplete: "current-password", Autofocus: username != ""},
	}}
	if otpPrompt != "" {
		form.Fields = append(form.Fields, Field{Name: "otp", Label: otpPrompt, ID: "otp_input",
			Autocomplete: "one-time-code"})
	}
	return form
}

func (Login) template() string { return "login" }

func (v Login) prepare() View {
	taken := map[string]bool{"login_submit": true, "login_terms_checkbox": true}
	forms := make([]LoginForm, len(v.Forms))
	for i, form := range v.Forms {
		form.Fields = withIDs(form.Fields, "field", taken)
		if form.Submit == "" {
			form.Submit = "Sign in"
		}
		forms[i] = form
	}
	v.Forms = forms
	return v
}

// Logout is shown to somebody who has just logged out.
type Logout struct {
	// Message replaces "You are logged out."
	Message string
}

func (Logout) template() string { return "logout" }
