// Package gate_test sends requests to a hub as an attacker would, byte for byte,
// and looks at what arrives behind it: at a user's server and at a service that
// tell what they were asked.
package gate_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// hub is a hub with the running server of alice, the stopped one of bob, and a
// service whose name is alice, too, so that a path for one is a path for the
// other.
type hub struct {
	*hubtest.Hub
	// alice and bob are logged in; their tokens can do what they can.
	alice, bob           *hubtest.Client
	aliceToken, bobToken string
}

func start(t *testing.T, options hubtest.Options) *hub {
	t.Helper()
	service := httptest.NewServer(upstream.Handler())
	t.Cleanup(service.Close)
	options.Spawner = upstream.Spawner(t)
	options.Hub = "service alice {\n\t\t\turl " + service.URL + "\n\t\t}\n\t\trole users-of-the-service {\n\t\t\tscopes access:services!service=alice\n\t\t\tusers alice\n\t\t}"
	h := &hub{Hub: hubtest.Start(t, options)}
	h.alice, h.bob = h.LogIn("alice"), h.LogIn("bob")
	h.aliceToken, h.bobToken = h.Token("alice"), h.Token("bob")
	h.API(h.aliceToken).StartServer("alice", "")
	return h
}

// TestGate runs the tests that one hub can serve together: none changes what
// another one sees.
func TestGate(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{NamedServers: true, Admins: []string{"root"}})
	for name, test := range map[string]func(*testing.T, *hub){
		"Paths":             testPaths,
		"AbsoluteForm":      testAbsoluteForm,
		"OtherHosts":        testOtherHosts,
		"IdentityHeaders":   testIdentityHeaders,
		"Connection":        testConnection,
		"ForwardedHeaders":  testForwardedHeaders,
		"Cookies":           testCookies,
		"CookiesOfUpstream": testCookiesOfUpstream,
		"Upgrades":          testUpgrades,
		"WebSocketOrigin":   testWebSocketOrigin,
		"WebSocketByToken":  testWebSocketByToken,
		"ForeignPages":      testForeignPages,
		"XSRF":              testXSRF,
		"Refusals":          testRefusals,
		"Stopped":           testStopped,
		"OthersServers":     testOthersServers,
		"NothingRevealed":   testNothingRevealed,
		"VisitorToken":      testVisitorToken,
		"StaleVisitorToken": testStaleVisitorToken,
		"AmbiguousTokens":   testAmbiguousTokens,
		"Fixation":          testFixation,
		"Framing":           testFraming,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, h)
		})
	}
}

// answer is what came back for raw bytes.
type answer struct {
	*http.Response
	body []byte
}

// forwarded tells whether an upstream wrote the answer.
func (a answer) forwarded() bool { return a.Header.Get(upstream.Mark) != "" }

// request is what the upstream was asked.
func (a answer) request(t *testing.T) upstream.Request {
	t.Helper()
	var request upstream.Request
	if !a.forwarded() {
		t.Fatalf("not forwarded: %s", a)
	}
	if err := json.Unmarshal(a.body, &request); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	return request
}

func (a answer) String() string { return fmt.Sprintf("%s\n%v\n%.500s", a.Status, a.Header, a.body) }

// exchangeTimeout is how long a test waits for an answer to raw bytes.
const exchangeTimeout = 30 * time.Second

// send writes bytes on a connection of their own and reads one answer.
func (h *hub) send(t *testing.T, raw string) answer {
	t.Helper()
	connection, err := net.Dial("tcp", h.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer to %.200q: %v", raw, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer{Response: response}
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("answer to %.200q: %v", raw, err)
	}
	return answer{response, body}
}

// get sends a GET without a body, with these header lines.
func (h *hub) get(t *testing.T, target string, lines ...string) answer {
	t.Helper()
	return h.send(t, h.head("GET", target, lines...)+"\r\n")
}

// head is a request without the empty line at its end.
func (h *hub) head(method, target string, lines ...string) string {
	var raw strings.Builder
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, strings.TrimPrefix(h.URL, "http://"))
	for _, line := range lines {
		raw.WriteString(line + "\r\n")
	}
	return raw.String()
}

// byToken is a header line with credentials.
func byToken(token string) string { return "Authorization: token " + token }

// cookies is the value of the Cookie header that a client would send to a path.
func (h *hub) cookies(t *testing.T, c *hubtest.Client, path string) string {
	t.Helper()
	address, err := url.Parse(h.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, cookie := range c.HTTP.Jar.Cookies(address) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	if len(pairs) == 0 {
		t.Fatalf("no cookies for %s", path)
	}
	return strings.Join(pairs, "; ")
}

func byCookie(value string) string { return "Cookie: " + value }

// logOut ends the session of a client as its page does.
func logOut(t *testing.T, h *hub, c *hubtest.Client) {
	t.Helper()
	got := c.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	if got.Status >= 400 {
		t.Fatalf("logout: %s", got)
	}
}
