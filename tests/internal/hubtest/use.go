package hubtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
)

// serverPath is the path of a server in the REST API, below /hub/api.
func serverPath(user, name string) string {
	path := "/users/" + url.PathEscape(user) + "/server"
	if name != "" {
		path += "s/" + url.PathEscape(name)
	}
	return path
}

// StartServer starts a server through the API, with the rights of the client,
// and waits until it is ready. An empty name is the default server.
func (c *Client) StartServer(user, name string) {
	c.t.Helper()
	answer := c.Do(http.MethodPost, "/hub/api"+serverPath(user, name), nil)
	if answer.Status != http.StatusCreated && answer.Status != http.StatusAccepted {
		c.t.Fatalf("start of %s/%s: %s", user, name, answer)
	}
	c.WaitServer(user, name, true)
}

// WaitServer waits until a server is ready, or until it is stopped. It ends the
// test if the server fails to start.
func (c *Client) WaitServer(user, name string, ready bool) {
	c.t.Helper()
	Eventually(c.t, fmt.Sprintf("server %s/%s ready: %v", user, name, ready), func() bool {
		var model struct {
			Servers map[string]struct {
				Ready   bool
				Pending *string
				Stopped bool
			}
		}
		answer := c.Do(http.MethodGet, "/hub/api/users/"+url.PathEscape(user)+"?include_stopped_servers", nil)
		if answer.Status != http.StatusOK {
			c.t.Fatalf("user %s: %s", user, answer)
		}
		answer.JSON(c.t, &model)
		server, known := model.Servers[name]
		if ready && known && server.Stopped && server.Pending == nil {
			c.t.Fatalf("server %s/%s failed: %s", user, name, answer)
		}
		if ready {
			return known && server.Ready
		}
		return !known || server.Stopped && server.Pending == nil
	})
}

// WebSocket opens a WebSocket to a path below the origin of the hub, or to a whole
// URL of another host of the same site, as a page of that host
// would with the cookies or the token of the client. It is closed with
// the test. The answer is that to the handshake, for a test that expects a
// refusal; it has the beginning of the body.
func (c *Client) WebSocket(path string) (*websocket.Conn, Answer, error) {
	origin := c.hub.URL
	if host, rest, whole := strings.Cut(strings.TrimPrefix(path, c.hub.scheme()+"://"), "/"); whole && !strings.HasPrefix(path, "/") {
		origin, path = c.hub.scheme()+"://"+host, "/"+rest
	}
	header := http.Header{"Origin": {origin}}
	if c.token != "" {
		header.Set("Authorization", "token "+c.token)
	}
	dialer := *c.HTTP
	dialer.Transport = c.hub.transport(false)
	address := "ws" + strings.TrimPrefix(origin, "http") + path
	socket, response, err := websocket.Dial(c.t.Context(), address, &websocket.DialOptions{HTTPClient: &dialer, HTTPHeader: header})
	var answer Answer
	if response != nil {
		answer = Answer{Status: response.StatusCode, Header: response.Header, Protocol: response.Proto}
	}
	if err != nil {
		if response != nil {
			defer response.Body.Close()
			answer.Body, _ = io.ReadAll(response.Body) // the library keeps what it has read
		}
		return nil, answer, err
	}
	c.t.Cleanup(func() { _ = socket.CloseNow() }) // it may be closed already
	return socket, answer, nil
}
