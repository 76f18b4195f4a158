// Package services_test runs services as JupyterHub's documentation describes
// them against a hub: programs that the hub starts and programs that it does
// not, which let JupyterHub's own classes find out who is before them.
package services_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

// user is what a service knows of its visitor.
type user struct {
	Kind, Name string
	Groups     []string
	Scopes     []string
}

// script is the path of the service's program.
func script(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "whoami.py"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// managed are the lines of a service that the hub starts, on a free port, and of
// a role that lets ada and the members of the group class open it.
func managed(t *testing.T, more ...string) (lines string, port int) {
	t.Helper()
	port = hubtest.FreePort(t)
	return fmt.Sprintf(`
		service whoami {
			command python %s
			url http://127.0.0.1:%d
			%s
		}
		group class {
			users bob
		}
		role visitor {
			scopes access:services!service=whoami
			users ada
			groups class
		}`, script(t), port, strings.Join(more, "\n\t\t\t")), port
}

// answers waits until a page of a service has this status, and returns it.
func answers(t *testing.T, client *hubtest.Client, path string, status int) hubtest.Answer {
	t.Helper()
	var got hubtest.Answer
	hubtest.Eventually(t, fmt.Sprintf("%s is %d", path, status), func() bool {
		got = client.Do(http.MethodGet, path, nil, "Sec-Fetch-Mode", "navigate")
		return got.Status == status
	})
	return got
}

// browser is a client that follows redirects from one site to another and
// keeps the cookies of each, as a browser does.
type browser struct {
	t      *testing.T
	client *http.Client
	// visited are the addresses that it was sent to, without their queries.
	visited []string
}

// page is where a browser has arrived.
type page struct {
	status int
	url    *url.URL
	body   string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b.client = &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		b.visited = append(b.visited, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
		if len(via) > 20 {
			return fmt.Errorf("redirected in circles: %v", b.visited)
		}
		return nil
	}}
	return b
}

// open goes to an address, as if it had been typed in.
func (b *browser) open(address string) page {
	b.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

func (b *browser) do(method, address string, form url.Values) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Accept", "text/html")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{response.StatusCode, response.Request.URL, string(body)}
}

var (
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	named  = regexp.MustCompile(`name="([^"]*)"`)
	valued = regexp.MustCompile(`value="([^"]*)"`)
)

// submit sends the form of a page with its hidden fields and these.
func (b *browser) submit(at page, fields url.Values) page {
	b.t.Helper()
	form := url.Values{}
	for _, input := range hidden.FindAllString(at.body, -1) {
		name, value := named.FindStringSubmatch(input), valued.FindStringSubmatch(input)
		if name != nil && value != nil {
			form.Add(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	for name, values := range fields {
		form[name] = values
	}
	return b.do(http.MethodPost, at.url.String(), form)
}

// logIn fills in the login page that the browser has arrived at.
func (b *browser) logIn(at page, name string) page {
	b.t.Helper()
	if at.status != http.StatusOK || at.url.Path != "/hub/login" {
		b.t.Fatalf("not a login page: %d %s\n%s", at.status, at.url, at.body)
	}
	return b.submit(at, url.Values{"username": {name}, "password": {hubtest.Password}})
}

// who is the visitor that a page of the service is about.
func (p page) who(t *testing.T) (who user) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.body), &who); err != nil || p.status != http.StatusOK {
		t.Fatalf("not a page of the service: %d %s\n%s", p.status, p.url, p.body)
	}
	return who
}
