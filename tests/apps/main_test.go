// Package apps_test is the gate in front of apps that know nothing of hubs, and
// what other proxies are told: a whole hub, real proxies, a real JupyterLab.
package apps_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

const (
	ofGrafana    = "access:services!service=grafana"
	monitorToken = "token-of-the-service-monitor"
)

// people are lines for the block caddyhub: ada is in astro and may use Grafana.
const people = `group astro {
			users ada
		}
		custom_scope custom:grafana:edit {
			description "Edit dashboards."
		}
		role viewer {
			scopes ` + ofGrafana + ` custom:grafana:edit
			users ada
			services monitor
		}
		service monitor {
			api_token ` + monitorToken + `
		}`

// site is a hub with apps on hosts of their own, at one port.
type site struct {
	*hubtest.Hub
	port int
	// app is the address of what is behind the gates.
	app string
}

// start starts a hub over TLS with apps: what stands in the block hub_auth, by the
// first label of the host.
func start(t *testing.T, apps map[string]string, changes ...func(*hubtest.Options)) *site {
	t.Helper()
	s := &site{port: hubtest.FreePort(t), app: recorder(t)}
	options := hubtest.Options{HTTPS: true, Admins: []string{"root"}, Hub: people}
	for name, block := range apps {
		options.More += s.block(name, "hub_auth {\n"+block+"\n\t}\n\treverse_proxy "+s.app)
	}
	for _, change := range changes {
		change(&options)
	}
	options.Site = strings.ReplaceAll(options.Site, "UPSTREAM", s.app)
	options.More = strings.ReplaceAll(options.More, "UPSTREAM", s.app)
	s.Hub = hubtest.Start(t, options)
	return s
}

// block is a site of an app.
func (s *site) block(name, directives string) string {
	return fmt.Sprintf("https://%s.localhost:%d {\n\tbind 127.0.0.1\n\ttls internal\n\t%s\n}\n", name, s.port, directives)
}

// recorder is an app that answers with what it was asked.
func recorder(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(upstream.Handler())
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// at is the address of an app.
func (s *site) at(name, path string) string {
	return fmt.Sprintf("https://%s.localhost:%d%s", name, s.port, path)
}

// browser is a client that goes to whatever port an address has.
func browser(c *hubtest.Client) *hubtest.Client {
	transport := c.HTTP.Transport.(*http.Transport).Clone()
	transport.DialContext = dial
	c.HTTP.Transport = transport
	return c
}

// dial connects to a port of this machine, whatever the host.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// get sends a request; header are names and values in turn.
func get(t *testing.T, c *hubtest.Client, address string, header ...string) hubtest.Answer {
	t.Helper()
	return send(t, c, http.MethodGet, address, "", header...)
}

func send(t *testing.T, c *hubtest.Client, method, address, body string, header ...string) hubtest.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header[header[i]] = append(request.Header[header[i]], header[i+1])
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return hubtest.Answer{Status: response.StatusCode, Header: response.Header, Body: content, Protocol: response.Proto}
}

// navigation is what a browser sends for a page, api what a script of its own.
var (
	navigation = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	api        = []string{"Accept", "application/json", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}
)

// visit goes to a page and follows redirects, as a browser does. It returns where
// it ended.
func visit(t *testing.T, c *hubtest.Client, address string) (hubtest.Answer, string) {
	t.Helper()
	for range 10 {
		answer := get(t, c, address, navigation...)
		location := answer.Header.Get("Location")
		if location == "" {
			return answer, address
		}
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		next, err := base.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		address = next.String()
	}
	t.Fatalf("redirected for ever, at last to %s", address)
	return hubtest.Answer{}, ""
}

// passed is the request that the app got; ok is false if it got none.
func passed(t *testing.T, answer hubtest.Answer) (got upstream.Request, ok bool) {
	t.Helper()
	if answer.Header.Get(upstream.Mark) == "" {
		return got, false
	}
	answer.JSON(t, &got)
	return got, true
}

// open opens a WebSocket as a page of an app would, or returns the status of the
// refusal.
func open(t *testing.T, c *hubtest.Client, address string, header ...string) (*websocket.Conn, int) {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	fields := http.Header{"Origin": {at.Scheme + "://" + at.Host}}
	for i := 0; i+1 < len(header); i += 2 {
		fields.Set(header[i], header[i+1])
	}
	dialer := *c.HTTP
	transport := c.HTTP.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = nil
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	dialer.Transport = transport
	socket, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(address, "http"), &websocket.DialOptions{HTTPClient: &dialer, HTTPHeader: fields})
	if response != nil && response.Body != nil {
		defer response.Body.Close() // that of a WebSocket has no effect
	}
	switch {
	case err != nil && response == nil:
		t.Fatal(err)
	case err != nil:
		return nil, response.StatusCode
	}
	t.Cleanup(func() { _ = socket.CloseNow() }) // it may be closed already
	return socket, http.StatusSwitchingProtocols
}

// closed waits for the end of a WebSocket and returns its code.
func closed(t *testing.T, socket *websocket.Conn) websocket.StatusCode {
	t.Helper()
	for {
		if _, _, err := socket.Read(t.Context()); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// echoes tells whether a WebSocket is alive.
func echoes(t *testing.T, socket *websocket.Conn) bool {
	t.Helper()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		return false
	}
	_, message, err := socket.Read(t.Context())
	return err == nil && string(message) == "hello"
}
