package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// The page has both names on it, and says both answers to where the choice goes.
func TestChoose(t *testing.T) {
	s := newSite(t)
	bob := s.visitOf(s.person().login("bob"))
	for place, choice := range map[string]browser.Choice{
		"the server of ada":             {Link: identity.UserOwner("ada"), User: "ada"},
		"the server &lt;lab&gt; of eve": {Link: identity.UserOwner("ada"), User: "eve", Server: "<lab>"},
		"the service wiki":              {Link: identity.ServiceOwner("monitor"), Service: "wiki"},
	} {
		choice.Login, choice.XSRF = bob.Identity.Owner, "the-token"
		choice.Action = "/user/ada/lab?a=1&caddyhub_grant=x"
		w := httptest.NewRecorder()
		s.Choose(w, httptest.NewRequest("GET", "/user/ada/lab?a=1", nil), bob, choice)
		got := answer{w.Result(), w.Body.String()}
		for _, text := range []string{
			place, "<bdi>bob</bdi>", choice.Link.Name() + "</bdi>", `action="/user/ada/lab?a=1&amp;caddyhub_grant=x"`, `method="post"`,
			`name="act_as" value="link"`, `name="act_as" value="login"`, `name="_xsrf" value="the-token"`,
		} {
			got.want(t, place, http.StatusOK, text)
		}
		if policy := got.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", place, got.Header)
		}
	}
}
