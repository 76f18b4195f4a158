package logins_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// person is somebody with a browser, who has cookies at the hub and at providers.
type person struct {
	t    testing.TB
	http *http.Client
}

func newPerson(t testing.TB) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// at is the same browser, led to another node of a hub.
func (p *person) at(hub, node *hubtest.Hub) *person {
	p.t.Helper()
	site, err := url.Parse(hub.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	there := newPerson(p.t)
	there.http.Jar = p.http.Jar
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == site.Host {
			address = node.Address()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	p.t.Cleanup(transport.CloseIdleConnections)
	there.http.Transport = transport
	return there
}

// page is an answer that was read.
type page struct {
	url    *url.URL
	status int
	header http.Header
	body   string
}

// to is where a redirect leads.
func (p page) to(t testing.TB) string {
	t.Helper()
	location, err := p.url.Parse(p.header.Get("Location"))
	if err != nil || p.header.Get("Location") == "" {
		t.Fatalf("%s answered %d and leads to %q\n%s", p.url, p.status, p.header.Get("Location"), p.body)
	}
	return location.String()
}

func (p *person) do(request *http.Request) page {
	p.t.Helper()
	answer, err := p.http.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return page{request.URL, answer.StatusCode, answer.Header, string(body)}
}

func (p *person) get(address string) page {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	return p.do(request)
}

func (p *person) post(address string, form url.Values) page {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(request)
}

var (
	formAction = regexp.MustCompile(`<form [^>]*action="([^"]+)"`)
	formPrompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
	formXSRF   = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)
)

// walk follows redirects from an address, fills in the forms of a provider as that
// account, and stops at a page, or before an address that has this in it.
func (p *person) walk(address, account, before string) page {
	p.t.Helper()
	found := p.get(address)
	for range 20 {
		action := formAction.FindStringSubmatch(found.body)
		prompt := formPrompt.FindStringSubmatch(found.body)
		switch {
		case found.status >= 300 && found.status < 400:
			next := found.to(p.t)
			if before != "" && strings.Contains(next, before) {
				return found
			}
			found = p.get(next)
		case action != nil && prompt != nil:
			form := url.Values{"prompt": {prompt[1]}, "login": {account}, "password": {"any"}}
			found = p.post(html.UnescapeString(action[1]), form)
		default:
			return found
		}
	}
	p.t.Fatalf("no end of redirects: %s", found.url)
	return found
}

// model is what the hub says of whoever asks.
type model struct {
	Name   string
	Admin  bool
	Groups []string
}

// self is who the hub takes the person for; nobody if it does not know.
func (p *person) self(hub string) (m model) {
	p.t.Helper()
	found := p.get(hub + "/hub/api/user")
	if found.status == http.StatusOK {
		if err := json.Unmarshal([]byte(found.body), &m); err != nil {
			p.t.Fatal(err)
		}
	} else if found.status != http.StatusForbidden && found.status != http.StatusUnauthorized {
		p.t.Fatalf("who am I: %d %s", found.status, found.body)
	}
	return m
}
