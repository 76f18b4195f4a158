package web

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// showLogin answers GET {hub}login.
func (c *call) showLogin() error {
	name := c.r.URL.Query().Get("authenticator")
	if auto, ok := c.options.Login.Auto(); ok {
		name = auto
	}
	return c.showLoginBy(name)
}

// showLoginBy leads to a login by the authenticator of that name, or to the page
// that offers all of them if it is empty.
func (c *call) showLoginBy(name string) error {
	// Who is let in for certain things only may log in for the others.
	if c.visit.Identity != nil && !c.visit.Identity.Limited() {
		c.equip()
		target, err := c.destination(c.visit.Identity.Name(), "")
		if err != nil {
			return err
		}
		return c.redirect(target, http.StatusFound)
	}
	if found, ok := c.options.Login.Authenticator(name); ok {
		if redirector, ok := found.(authenticator.Redirector); ok {
			return c.beginElsewhere(name, redirector)
		}
	} else if name != "" {
		return loginFailure(authenticator.ErrUnknown)
	}
	if c.automatic(name) {
		return c.autoLogin(name)
	}
	return c.loginPage(http.StatusOK, "", c.r.URL.Query().Get("username"))
}

// autoLogin asks an authenticator that finds all it needs in the request. The
// query is its own: none of it is passed on to where the visitor goes.
func (c *call) autoLogin(name string) error {
	c.did(actionLogin, audit.Target{})
	decision, err := c.options.Login.Login(c.r.Context(), name, authenticator.Attempt{
		Request: c.r, Remote: remote(c.r),
	})
	if err != nil {
		found, _ := c.options.Login.Authenticator(name)
		if there := c.loginAddress(found, err); there != "" {
			c.event = audit.Event{} // nobody has tried anything yet
			return c.redirect(there, http.StatusFound)
		}
		failed := loginFailure(err)
		failed.hint = authenticator.PromptOf(found).Text
		return failed
	}
	if err := c.enter(decision); err != nil {
		return err
	}
	target, ok := c.wanted()
	if !ok {
		if target, err = c.startingPoint(decision.User); err != nil {
			return err
		}
	}
	return c.redirect(target, http.StatusFound)
}

// startingPoint is where somebody goes after a login who did not say where.
func (c *call) startingPoint(user string) (string, error) {
	if c.options.DefaultURL != "" {
		return c.options.DefaultURL, nil
	}
	return c.ownServer(user)
}

// loginFailure is a login that failed, for a page of its own.
func loginFailure(err error) *failure {
	status, message, retryAfter := authenticator.Describe(err)
	return &failure{status: status, message: message, retryAfter: retryAfter}
}

// loginPage shows every way to log in.
func (c *call) loginPage(status int, told, username string) error {
	view := page.Login{Error: told}
	visitor := page.Visitor{XSRF: c.xsrf()}
	if c.visit.Identity != nil {
		visitor.Name = c.visit.Identity.Name()
	}
	offers := c.options.Login.Offers()
	for _, offer := range offers {
		switch prompt := offer.Prompt; {
		case offer.Redirects || prompt.Service != "":
			view.Buttons = append(view.Buttons, page.Link{
				Label: "Sign in with " + cmp.Or(prompt.Service, offer.Name), URL: c.loginURL(offer.Name, true),
			})
		case hasForm(offer):
			form := loginForm(prompt, username)
			if !c.atForm(offer.Name, len(view.Forms)) {
				form = loginForm(prompt, "")
				for i := range form.Fields {
					form.Fields[i].Autofocus = false
				}
			}
			form.Action = c.loginURL(offer.Name, len(offers) > 1)
			if form.Title = prompt.Text; form.Title == "" && len(offers) > 1 {
				form.Title = offer.Name
			}
			view.Forms = append(view.Forms, form)
		case prompt.Text != "":
			visitor.Notices = append(visitor.Notices, page.Notice{Text: prompt.Text})
		}
	}
	c.options.Pages.Render(c.w, status, visitor, view)
	return nil
}

// atForm says whether the visitor is at the form of that name: it was sent, or it is
// the first of them. What was typed is in no other one, and the cursor neither.
func (c *call) atForm(name string, before int) bool {
	at := c.r.URL.Query().Get("authenticator")
	return name == at || at == "" && before == 0
}

// loginURL is where a form or a button of the login page leads.
func (c *call) loginURL(name string, named bool) string {
	values := url.Values{}
	if named {
		values.Set("authenticator", name)
	}
	return c.withNext(withParameters(c.hub+"login", values))
}

// hasForm says whether people log in there by a form.
func hasForm(offer authenticator.Offer) bool {
	prompt := offer.Prompt
	return !offer.Redirects && prompt.Service == "" && (prompt.Username || prompt.Password || prompt.OTP)
}

// loginForm is a form with the fields of a prompt, as JupyterHub names them.
func loginForm(prompt authenticator.Prompt, username string) page.LoginForm {
	label := ""
	if prompt.OTP {
		label = cmp.Or(prompt.OTPLabel, "OTP:")
	}
	form := page.PasswordForm("", username, label)
	shown := form.Fields[:0]
	for _, field := range form.Fields {
		if field.Name == authenticator.FieldUsername && !prompt.Username ||
			field.Name == authenticator.FieldPassword && !prompt.Password {
			continue
		}
		shown = append(shown, field)
	}
	form.Fields = shown
	return form
}
