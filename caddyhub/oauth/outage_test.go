package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/oauth"
)

// providerOptions are those of every provider in these tests.
var providerOptions = oauth.Options{}

// A store that is away is a 503 everywhere, costs no code, and is over when it
// is over.
func TestOutage(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	for name, broken := range map[string]func(bool){"away": h.store.away.Store, "read-only": h.store.readOnly.Store} {
		broken(true)
		page := get(t, ada, h.request())
		if page.StatusCode != http.StatusServiceUnavailable || page.Header.Get("Location") != "" || page.Header.Get("Retry-After") == "" {
			t.Errorf("%s: authorize: %d %v", name, page.StatusCode, page.Header)
		}
		got := h.exchange(t, code)
		if errorCode, _ := got.failure(t); got.StatusCode != http.StatusServiceUnavailable || errorCode != "temporarily_unavailable" || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: token: %d %s", name, got.StatusCode, got.body)
		}
		if strings.Contains(got.body+page.body, "store: ") {
			t.Errorf("%s: the cause is told: %s %s", name, got.body, page.body)
		}
		broken(false)
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.StatusCode, got.body)
	}
}
