package logins_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestOIDCTwoNodes lets both nodes of a hub ask the provider again while somebody
// works. The provider takes each refresh token once: whoever loses one is out.
func TestOIDCTwoNodes(t *testing.T) {
	p := newProvider(t)
	a := hubtest.Start(t, hubtest.Options{
		Redis:         redistest.Start(t, redistest.Options{}),
		Authenticator: p.block("", append(roles, "auto_login")...),
		Hub:           "session {\n\t\t\trefresh 1s\n\t\t\trefresh_grace 1h\n\t\t}",
	})
	p.start(a, "oidc", "/hub/oauth_callback", 2)
	b := a.Node()
	begin := a.URL + "/hub/login?next=" + url.QueryEscape(home)
	hubtest.Eventually(t, "the hub finds the provider", func() bool { return newPerson(t).get(begin).status == http.StatusFound })

	person := newPerson(t)
	person.walk(begin, "ada", "") // without the login page
	if got := person.self(a.URL); got.Name != "ada" || !got.Admin {
		t.Fatalf("%+v", got)
	}
	there := person.at(a, b)
	same := func() model {
		t.Helper()
		here, other := person.self(a.URL), there.self(a.URL)
		if here.Name != "ada" || other.Name != "ada" {
			t.Fatalf("thrown out: %+v here, %+v there", here, other)
		}
		return other
	}
	hubtest.Eventually(t, "five refreshes", func() bool {
		same()
		return p.count("grant.success refresh_token") >= 5
	})
	changed := ada()
	changed["realm_access"] = map[string]any{"roles": []string{"makers"}}
	p.accounts(map[string]account{"ada": changed})
	hubtest.Eventually(t, "the new roles on the other node", func() bool {
		got := same()
		return !got.Admin && slices.Equal(got.Groups, []string{"makers"})
	})
	if n := p.count("grant.error refresh_token"); n != 0 {
		t.Errorf("a refresh token was used twice, %d times", n)
	}
	testOutage(t, p, same)
	testEverywhere(t, p, a, person, there)
	for _, node := range []*hubtest.Hub{a, b} {
		if log := node.Log(); strings.Contains(log, "ada@example.org") || strings.Contains(log, clientSecret) {
			t.Error("a log has a claim or a secret")
		}
	}
}

// testOutage stops the provider: that is no reason to throw anybody out.
func testOutage(t *testing.T, p *provider, same func() model) {
	t.Helper()
	p.stop()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		same()
	}
	p.run()
	p.accounts(map[string]account{"ada": ada()})
}

// testEverywhere ends a login at the provider, which has forgotten its refresh tokens
// by now, and looks at both nodes.
func testEverywhere(t *testing.T, p *provider, hub *hubtest.Hub, person, there *person) {
	t.Helper()
	hubtest.Eventually(t, "out on both nodes", func() bool { return person.self(hub.URL).Name == "" && there.self(hub.URL).Name == "" })
	if p.count("grant.error refresh_token") == 0 {
		t.Error("out without a word of the provider")
	}
	begin := hub.URL + "/hub/login?next=" + url.QueryEscape(home)
	if found := person.walk(begin, "ada", ""); found.url.Path != home {
		t.Fatalf("login: %s answered %d\n%s", found.url, found.status, found.body)
	}
	began := time.Now()
	hubtest.Eventually(t, "in again on the other node", func() bool { return there.self(hub.URL).Name == "ada" })
	t.Logf("in on the other node after %s", time.Since(began).Round(time.Millisecond))
	before := p.count("backchannel.success")
	page := person.get(p.URL + "/session/end")
	form := formXSRF.FindStringSubmatch(page.body)
	if form == nil {
		t.Fatalf("the provider answered %d\n%s", page.status, page.body)
	}
	person.post(p.URL+"/session/end/confirm", url.Values{"xsrf": {form[1]}, "logout": {"yes"}})
	hubtest.Eventually(t, "the provider announced it", func() bool { return p.count("backchannel.success") == before+1 })
	announced := time.Now()
	hubtest.Eventually(t, "out on the other node", func() bool { return there.self(hub.URL).Name == "" })
	t.Logf("out on the other node %s after the provider had its answer", time.Since(announced).Round(time.Millisecond))
}
