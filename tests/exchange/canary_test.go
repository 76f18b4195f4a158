package exchange_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestTokensAreInNoLog brings tokens in every way that ends well or badly, with the
// access log on and everything at the level debug, and looks for them in all that
// the hub writes and shows.
func TestTokensAreInNoLog(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	words := []string{"header X-Login-Token"}
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, Global: "debug", Environment: []string{"PORTAL_KEY=" + sharedSecret, "HUB_TOKEN=canary-of-the-hub"},
		Site: "log\n" + strings.Replace(p.directive(words...), p.URL+"/login", p.URL+"/login {\n\tbearer {env.HUB_TOKEN}\n\t}", 1) + "\n" + signing,
	})
	var secrets []string
	canary := func(worth string) string {
		token := fmt.Sprintf("canary-%d-%s", len(secrets), p.token("expired"))
		p.set(func() { p.tokens[token] = worth })
		secrets = append(secrets, token)
		return token
	}
	good := `{"name": "ada"}`
	visit := func(path string, header ...string) hubtest.Answer {
		return hub.Anonymous().Do(http.MethodGet, path, nil, header...)
	}
	var answers []hubtest.Answer
	say := func(answer hubtest.Answer) { answers = append(answers, answer) }
	for _, worth := range []string{good, "expired", `{"name": "a/b"}`, `{}`, `no JSON`} {
		say(visit("/hub/login?login_token=" + canary(worth)))
		say(visit("/user/ada/?login_token="+canary(worth), "Accept", "application/json"))
	}
	used := canary(good)
	for range 2 {
		say(visit("/hub/home?login_token=" + used))
	}
	say(visit("/hub/home", "X-Login-Token", canary(good)))
	say(visit("/hub/home?login_token="+canary(good), "Sec-Purpose", "prefetch"))
	say(visit("/hub/home", "Referer", hub.URL+"/hub/login?login_token="+canary(good)))
	// Where this leads has the token, and nobody but the browser that sent it is told.
	visit("/hub/home?next=" + url.QueryEscape("/hub/login?login_token="+canary(good)))
	say(visit("/hub/home?login_token=" + canary(good) + "&login_token=x"))
	say(hub.Anonymous().Do(http.MethodPost, "/hub/login", url.Values{"login_token": {canary(good)}}))
	say(hub.Anonymous().Do(http.MethodDelete, "/hub/login?login_token="+canary(good), nil))
	token := signed(t, jwt.SigningMethodHS256, []byte(sharedSecret), map[string]any{"jti": "canary-of-a-token"})
	secrets = append(secrets, token, token[strings.LastIndex(token, ".")+1:], sharedSecret, "canary-of-the-hub")
	say(visit("/hub/home?jwt=" + token))
	say(visit("/hub/home?jwt=" + token))
	p.set(func() { p.status = http.StatusBadGateway })
	say(visit("/hub/login?login_token=" + canary(good)))

	if whole := hub.Log(); !strings.Contains(whole, `"logger":"http.log.access`) || !strings.Contains(whole, `"action":"login"`) || !strings.Contains(whole, "login_token=[secret]") {
		t.Fatal("there is no log to look at")
	}
	shown := map[string]string{
		"log": hub.Log(), "logs of servers": hub.ServerLog(),
		"metrics":       string(hub.API(hub.Token("root")).Do(http.MethodGet, "/hub/metrics", nil).Body),
		"configuration": hub.Caddyfile(),
	}
	for i, answer := range answers {
		shown[fmt.Sprintf("answer %d", i)] = answer.Header.Get("Location") + string(answer.Body)
	}
	for place, text := range shown {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("%s: %.20s... can be read", place, secret)
			}
		}
	}
	t.Logf("%d secrets searched in %d texts, %d bytes of log among them", len(secrets), len(shown), len(shown["log"]))
}
