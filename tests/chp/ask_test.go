package chp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// ask is what a check has: a proxy to talk to, and a list for what is wrong.
type ask struct {
	t        testing.TB
	proxy    *proxy
	client   *http.Client
	patience time.Duration
	failures []string
	servers  []*httptest.Server
}

const usualPatience = 20 * time.Second

func newAsk(t testing.TB, p *proxy, patience time.Duration) *ask {
	if patience == 0 {
		patience = usualPatience
	}
	transport := &http.Transport{
		// Answers are as they were sent, and no proxy of the environment is asked.
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // certificates of tests
	}
	return &ask{t: t, proxy: p, patience: patience, client: &http.Client{
		Timeout: patience, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (a *ask) close() {
	a.client.CloseIdleConnections()
	for _, server := range a.servers {
		server.CloseClientConnections()
		server.Close()
	}
}

// failf notes that something is wrong. A check goes on after it.
func (a *ask) failf(format string, arguments ...any) {
	a.failures = append(a.failures, fmt.Sprintf(format, arguments...))
}

func (a *ask) equal(what string, got, want any) {
	if diff := cmp.Diff(want, got); diff != "" {
		a.failf("%s (-want +got):\n%s", what, diff)
	}
}

// answer of a proxy; Status is 0 if there was none.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request. Header fields are "Name: value".
func (a *ask) do(method, address, body string, fields ...string) answer {
	request, err := http.NewRequestWithContext(a.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "Host" {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.failf("%s %s: %v", method, address, err)
		return answer{Header: http.Header{}}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.failf("%s %s: %v", method, address, err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// get asks the proxy itself.
func (a *ask) get(target string, fields ...string) answer {
	return a.do(http.MethodGet, "http://"+a.proxy.address+target, "", fields...)
}

// api asks the API, with the token.
func (a *ask) api(method, path, body string) answer {
	return a.do(method, "http://"+a.proxy.api+"/api/routes"+path, body, "Authorization: token "+token)
}

// add adds a route and takes it away at the end of the test.
func (a *ask) add(path, target string) {
	body, err := json.Marshal(map[string]string{"target": target})
	if err != nil {
		a.t.Fatal(err)
	}
	a.equal("adding "+path, a.api(http.MethodPost, path, string(body)).Status, http.StatusCreated)
}

// routes is the whole table.
func (a *ask) routes(query string) map[string]map[string]any {
	var table map[string]map[string]any
	answer := a.api(http.MethodGet, query, "")
	if err := json.Unmarshal([]byte(answer.Body), &table); err != nil {
		a.failf("the table: %d %s: %v", answer.Status, answer.Body, err)
	}
	return table
}

// route is one route; nil if there is none.
func (a *ask) route(path string) map[string]any {
	answer := a.api(http.MethodGet, path, "")
	if answer.Status != http.StatusOK {
		return nil
	}
	var route map[string]any
	if err := json.Unmarshal([]byte(answer.Body), &route); err != nil {
		a.failf("route %s: %v", path, err)
	}
	return route
}

// activity is when a route was last used.
func (a *ask) activity(path string) time.Time {
	text, _ := a.route(path)["last_activity"].(string)
	last, err := time.Parse(time.RFC3339, text)
	if err != nil {
		a.failf("last_activity of %s: %v", path, err)
	}
	return last
}

// arrived is what a target was asked.
type arrived struct {
	Path   string
	Host   string
	Method string
	Header http.Header
	Body   string
	// Name of the target.
	Name string
}

// seen is the request that a target says it got.
func (a *ask) seen(answer answer) arrived {
	var request arrived
	if err := json.Unmarshal([]byte(answer.Body), &request); err != nil {
		a.failf("not an answer of the target: %d %s", answer.Status, answer.Body)
		request.Header = http.Header{}
	}
	return request
}

// target starts a server that answers with what it was asked. Below "/ws" it
// echoes messages of a WebSocket; "status" in the query is the status.
func (a *ask) target(name string) string {
	return a.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Upgrade"), "websocket") {
			echo(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		var status int
		if _, err := fmt.Sscan(r.URL.Query().Get("status"), &status); err == nil {
			w.WriteHeader(status)
		}
		_ = json.NewEncoder(w).Encode(arrived{r.RequestURI, r.Host, r.Method, r.Header, string(body), name})
	}))
}

// serve starts a server for as long as the check runs.
func (a *ask) serve(handler http.Handler) string {
	server := httptest.NewServer(handler)
	a.servers = append(a.servers, server)
	return server.URL
}

// secure is a target with a certificate that nobody knows.
func (a *ask) secure() string {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // handshakes fail on purpose
	server.StartTLS()
	a.servers = append(a.servers, server)
	return server.URL
}

// nobody is a target that nobody listens at.
func (a *ask) nobody() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer socket.CloseNow()
	if socket.Write(r.Context(), websocket.MessageText, []byte("connected")) != nil {
		return
	}
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil || socket.Write(r.Context(), kind, append([]byte(r.RequestURI+" "), message...)) != nil {
			return
		}
	}
}

// webSocket opens a WebSocket at a path of the proxy; nil if it was refused.
func (a *ask) webSocket(path string, fields ...string) (*websocket.Conn, int) {
	header := http.Header{}
	options := &websocket.DialOptions{HTTPClient: a.client, HTTPHeader: header}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "Host" {
			options.Host = value
		}
		header.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), a.patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, "http://"+a.proxy.address+path, options) //nolint:bodyclose // the socket has the body
	if err != nil {
		if response == nil {
			a.failf("WebSocket %s: %v", path, err)
			return nil, 0
		}
		return nil, response.StatusCode
	}
	return socket, response.StatusCode
}

// exchange sends a message and returns the answer to it.
func (a *ask) exchange(socket *websocket.Conn, message string) string {
	ctx, cancel := context.WithTimeout(a.t.Context(), a.patience)
	defer cancel()
	if message != "" {
		if err := socket.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			a.failf("WebSocket: %v", err)
			return ""
		}
	}
	_, text, err := socket.Read(ctx)
	if err != nil {
		a.failf("WebSocket: %v", err)
	}
	return string(text)
}

// raw sends bytes to the proxy and returns the status of the answer, and whether
// the connection was closed after it.
func (a *ask) raw(request string) (status int, closed bool) {
	connection, err := net.Dial("tcp", a.proxy.address)
	if err != nil {
		a.t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(a.patience))
	if _, err := io.WriteString(connection, request); err != nil {
		a.failf("sending: %v", err)
		return 0, true
	}
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		a.failf("no answer to %q: %v", request, err)
		return 0, true
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	_, err = reader.ReadByte()
	return response.StatusCode, err == io.EOF
}

// logs waits for the log of the proxy to have a text.
func (a *ask) logs(text string) {
	for deadline := time.Now().Add(a.patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(a.proxy.log.String(), text) {
			return
		}
	}
	a.failf("no line %q in the log:\n%s", text, a.proxy.log)
}
