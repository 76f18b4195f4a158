package hubtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// requestTimeout bounds one request of a Client, the body included.
const requestTimeout = time.Minute

// Client talks to one node of a hub. It keeps cookies as a browser does, and
// follows no redirects, so that a test sees each of them.
type Client struct {
	// HTTP is the client below, for what Do cannot do.
	HTTP *http.Client

	t     testing.TB
	hub   *Hub
	token string
}

// Anonymous is a client that nobody knows.
func (h *Hub) Anonymous() *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &Client{t: h.t, hub: h, HTTP: &http.Client{
		Jar: jar, Timeout: requestTimeout, Transport: h.transport(true),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// API is a client that speaks for whoever has the token.
func (h *Hub) API(token string) *Client {
	c := h.Anonymous()
	c.token = token
	return c
}

// LogIn is a client with the session of a user who filled in the login form.
func (h *Hub) LogIn(user string) *Client {
	h.t.Helper()
	c := h.Anonymous()
	if answer := c.SubmitLogin(user, Password); answer.Status != http.StatusFound && answer.Status != http.StatusSeeOther {
		h.t.Fatalf("login of %s: %s", user, answer)
	}
	return c
}

// transport connects to this node, whatever the URL says, and trusts its
// certificate alone.
func (h *Hub) transport(http2 bool) *http.Transport {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, h.Address())
		},
		ForceAttemptHTTP2: http2,
	}
	if h.options.HTTPS {
		transport.TLSClientConfig = &tls.Config{RootCAs: h.authority(), MinVersion: tls.VersionTLS12}
	}
	h.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// authority is the one that signed the certificate of the site. A hub that has
// never run has none yet; then nothing is trusted.
func (h *Hub) authority() *x509.CertPool {
	pool := x509.NewCertPool()
	if root, err := os.ReadFile(filepath.Join(h.folder, "caddy", "pki", "authorities", "local", "root.crt")); err == nil {
		pool.AppendCertsFromPEM(root)
	}
	return pool
}

// Answer is a response that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Protocol is "HTTP/1.1" or "HTTP/2.0".
	Protocol string
}

// String is for messages of failed tests.
func (a Answer) String() string {
	text := fmt.Sprintf("%d %s %s", a.Status, a.Header.Get("Content-Type"), a.Header.Get("Location"))
	return strings.TrimSpace(text) + "\n" + string(a.Body[:min(len(a.Body), 2000)])
}

// JSON decodes the body.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("not the expected JSON: %v\n%s", err, a)
	}
}

// Do sends a request. path is below the origin of the hub and may have a query; a
// whole URL is one of another host that the same site answers for.
// body is nothing, url.Values for a form, a string as it is, or a value to send
// as JSON. header are names and values in turn.
func (c *Client) Do(method, path string, body any, header ...string) Answer {
	c.t.Helper()
	answer, err := c.attempt(method, path, body, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func (c *Client) attempt(method, path string, body any, header ...string) (Answer, error) {
	request, err := c.request(method, path, body, header)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, content, response.Proto}, err
}

func (c *Client) request(method, path string, body any, header []string) (*http.Request, error) {
	var content io.Reader
	kind := ""
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	case url.Values:
		content, kind = strings.NewReader(body.Encode()), "application/x-www-form-urlencoded"
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content, kind = bytes.NewReader(encoded), "application/json"
	}
	address := path
	if strings.HasPrefix(path, "/") || !strings.HasPrefix(path, c.hub.scheme()+"://") {
		address = c.hub.URL + path
	}
	request, err := http.NewRequestWithContext(context.Background(), method, address, content)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "token "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
			continue
		}
		request.Header.Set(header[i], header[i+1])
	}
	return request, nil
}

// hiddenField finds the token in a form of ours.
var hiddenField = regexp.MustCompile(`<input type="hidden" name="_xsrf" value="([^"]+)">`)

// SubmitLogin opens the login page, fills in the form and sends it.
func (c *Client) SubmitLogin(user, password string) Answer {
	c.t.Helper()
	page := c.Do(http.MethodGet, "/hub/login", nil)
	field := hiddenField.FindSubmatch(page.Body)
	if page.Status != http.StatusOK || field == nil {
		c.t.Fatalf("not a login page: %s", page)
	}
	return c.Do(http.MethodPost, "/hub/login", url.Values{
		"_xsrf": {html.UnescapeString(string(field[1]))}, "username": {user}, "password": {password},
	}, "Origin", c.hub.URL)
}

// Cookie is the cookie that would be sent to a path; nil if there is none.
func (c *Client) Cookie(path, name string) *http.Cookie {
	c.t.Helper()
	address, err := url.Parse(c.hub.URL + path)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range c.HTTP.Jar.Cookies(address) {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}
