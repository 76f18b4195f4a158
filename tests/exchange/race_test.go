package exchange_test

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestOneTokenOneSession brings one token to two nodes 200 times at once. The portal
// accepts it every time: that there is one session is our doing.
func TestOneTokenOneSession(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.sloppy = true
	one := hubtest.Start(t, hubtest.Options{
		Redis: redistest.Start(t, redistest.Options{}), Authenticator: "authenticator null",
		Site: p.directive() + "\n" + signing, Environment: []string{"PORTAL_KEY=" + sharedSecret},
	})
	nodes := []*hubtest.Hub{one, one.Node()}
	for kind, query := range map[string]string{
		"opaque": "login_token=" + p.token(`{"name": "ada"}`),
		"signed": "jwt=" + url.QueryEscape(signed(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil)),
	} {
		const attempts = 200
		clients := make([]*hubtest.Client, attempts)
		for i := range clients {
			clients[i] = nodes[i%len(nodes)].Anonymous()
		}
		var won, lost, other atomic.Int64
		var all sync.WaitGroup
		for _, client := range clients {
			all.Go(func() {
				switch answer := client.Do(http.MethodGet, "/hub/home?"+query, nil); answer.Status {
				case http.StatusSeeOther:
					won.Add(1)
				case http.StatusForbidden:
					lost.Add(1)
				default:
					other.Add(1)
					t.Errorf("%s: %s", kind, answer)
				}
			})
		}
		all.Wait()
		sessions := 0
		for _, client := range clients {
			if client.Cookie("/", "caddyhub-session") != nil && whoIs(t, client) == "ada" {
				sessions++
			}
		}
		t.Logf("%s: %d attempts on 2 nodes: %d let in, %d refused, %d anything else; %d sessions", kind, attempts, won.Load(), lost.Load(), other.Load(), sessions)
		if won.Load() != 1 || sessions != 1 {
			t.Errorf("%s: %d let in, %d sessions, want one", kind, won.Load(), sessions)
		}
	}
}
