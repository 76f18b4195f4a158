package gate_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// TestHTTP2: over TLS and HTTP/2 the same things hold.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{HTTPS: true})
	h2 := &secure{h, h.API(h.aliceToken)}
	t.Run("Paths", h2.testPaths)
	t.Run("Headers", h2.testHeaders)
	t.Run("Cookies", h2.testCookies)
}

type secure struct {
	*hub
	client *hubtest.Client
}

// get sends a target as it is, and header lines as name and value in turn.
func (s *secure) get(t *testing.T, target string, headers ...string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	request.URL.Opaque, request.URL.RawQuery = path, query
	request.Header.Set("Authorization", "token "+s.aliceToken)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header[headers[i]] = append(request.Header[headers[i]], headers[i+1])
	}
	response, err := s.client.HTTP.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	if response.Proto != "HTTP/2.0" {
		t.Fatalf("spoke %s", response.Proto)
	}
	body, err := io.ReadAll(response.Body)
	return answer{response, body}, err
}

func (s *secure) testPaths(t *testing.T) {
	forwarded := 0
	for _, one := range targets(t) {
		if !strings.HasPrefix(one.path, "/") || strings.HasPrefix(one.path, "//") || one.verdict == "http" {
			continue // cannot be said with this client, or is tried again for minutes
		}
		got, err := s.get(t, one.path)
		switch {
		case err != nil:
			if one.verdict == "pass" {
				t.Errorf("%q: %v", one.path, err)
			}
		case one.verdict != "pass":
			if got.StatusCode != http.StatusBadRequest || got.forwarded() {
				t.Errorf("%q: not refused: %s", one.path, got)
			}
		case got.StatusCode == http.StatusBadRequest:
			t.Errorf("%q: refused: %s", one.path, got)
		case got.forwarded():
			forwarded++
			if seen := got.request(t).Target; seen != one.path {
				t.Errorf("sent %q, forwarded %q", one.path, seen)
			}
		}
	}
	if forwarded < 10 {
		t.Errorf("only %d targets of the corpus were forwarded", forwarded)
	}
}

func (s *secure) testHeaders(t *testing.T) {
	for _, name := range identityHeaders {
		var headers []string
		for _, spelling := range spellings(name) {
			headers = append(headers, strings.ToLower(spelling), "mallory")
		}
		got, err := s.get(t, "/user/alice/x", headers...)
		if err != nil {
			t.Fatal(err)
		}
		if got.request(t); strings.Contains(string(got.body), "mallory") {
			t.Errorf("%s reached the upstream: %s", name, got)
		}
	}
	connect, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, s.URL+"/user/alice/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	connect.Header.Set("Authorization", "token "+s.aliceToken)
	response, err := s.client.HTTP.Do(connect)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.Header.Get(upstream.Mark) != "" {
		t.Errorf("CONNECT reached the upstream: %s", response.Status)
	}
}

// testCookies: over TLS no other host and no path can set the session cookie.
func (s *secure) testCookies(t *testing.T) {
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	browser := s.LogIn("dora")
	names := map[string]bool{}
	for _, cookie := range browser.HTTP.Jar.Cookies(address) {
		names[cookie.Name] = true
	}
	if !names["__Host-"+sessionCookie] || names[sessionCookie] {
		t.Errorf("cookies over TLS: %v", names)
	}
	got := browser.Do(http.MethodGet, "/hub/api/user", nil)
	plain := s.Anonymous()
	plain.HTTP.Jar.SetCookies(address, []*http.Cookie{{Name: sessionCookie, Value: browser.Cookie("/", "__Host-"+sessionCookie).Value}})
	if without := plain.Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusOK || without.Status != http.StatusForbidden && without.Status != http.StatusUnauthorized {
		t.Errorf("with the prefix %s, without %s", got, without)
	}
	visit := s.alice.Do(http.MethodGet, "/user/alice/x", nil)
	var seen upstream.Request
	if err := json.Unmarshal(visit.Body, &seen); err != nil || strings.Contains(seen.Header.Get("Cookie"), sessionCookie) {
		t.Errorf("upstream sees the cookies %q: %v", seen.Header.Get("Cookie"), err)
	}
	if seen.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("X-Forwarded-Proto: %q", seen.Header.Get("X-Forwarded-Proto"))
	}
}
