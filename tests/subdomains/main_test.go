// Package subdomains_test is a hub where every user has a host of their own, over
// TLS, with real cookies and, where pages are at work, in a real browser.
package subdomains_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

const domain = "hub.example.test"

// town is a hub with hosts of users.
type town struct {
	*hubtest.Hub
	t testing.TB
}

// newTown starts a hub. Its servers are those of package upstream, unless options
// say otherwise.
func newTown(t testing.TB, options hubtest.Options) *town {
	t.Helper()
	options.HTTPS = true
	if options.Hosts == nil {
		options.Hosts = []string{domain, "*." + domain, ""}
	}
	options.Hub += "\n\t\tsubdomains " + domain
	return &town{hubtest.Start(t, options), t}
}

// of is the origin of a label below the domain.
func (w *town) of(label string) string {
	return strings.Replace(w.URL, "://", "://"+label+".", 1)
}

// server starts the server of a user and returns the user's API client.
func (w *town) server(user string) *hubtest.Client {
	w.t.Helper()
	w.LogIn(user)
	client := w.API(w.Token(user))
	client.StartServer(user, "")
	return client
}

// navigate is what a person's browser does with an address: it follows redirects
// and keeps cookies.
func navigate(t testing.TB, browser *hubtest.Client, address string) (end string, answer hubtest.Answer) {
	t.Helper()
	for range 12 {
		answer = browser.Do(http.MethodGet, address, nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html")
		if answer.Status < 300 || answer.Status > 399 {
			return address, answer
		}
		address = resolve(t, address, answer.Header.Get("Location"))
	}
	t.Fatalf("the redirects do not end; the last leads to %s", address)
	return "", answer
}

func resolve(t testing.TB, from, to string) string {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return target.String()
}

// wantServer fails unless a server answered.
func wantServer(t testing.TB, answer hubtest.Answer) {
	t.Helper()
	if answer.Status != http.StatusOK || answer.Header.Get(upstream.Mark) == "" {
		t.Fatalf("no server answered: %s", answer)
	}
}

// wantNoServer fails if a server answered, or saw the request.
func wantNoServer(t testing.TB, what string, answer hubtest.Answer) {
	t.Helper()
	if answer.Header.Get(upstream.Mark) != "" || answer.Status < 300 || answer.Status == http.StatusInternalServerError {
		t.Errorf("%s: %s", what, answer)
	}
}
