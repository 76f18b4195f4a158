package revocation_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// path leads to the server of ada, whom everybody in a test visits.
const path = "/user/ada/ws"

// lost is when a socket is given up that should have been closed.
const lost = 30 * time.Second

// world is a hub of one or two nodes with the server of ada. Members of the group
// visitors may visit it, and so may those of the role helper, and administrators.
type world struct {
	*hubtest.Hub
	t     *testing.T
	nodes []*hubtest.Hub
	admin *hubtest.Client
	made  int
}

// both runs a test on one node with an embedded store, and on two over Redis.
func both(t *testing.T, lines string, test func(w *world)) {
	t.Run("embedded", func(t *testing.T) { test(newWorld(t, lines, hubtest.Options{})) })
	t.Run("redis", func(t *testing.T) {
		test(newWorld(t, lines, hubtest.Options{Redis: redistest.Start(t, redistest.Options{})}))
	})
}

func newWorld(t *testing.T, lines string, options hubtest.Options) *world {
	t.Helper()
	options.Spawner = upstream.Spawner(t)
	options.Admins = []string{"root"}
	options.Directive = "token_in_url persist"
	options.Hub = "group visitors {\n\t\t\tusers ada\n\t\t}\n" +
		"\t\trole visitor {\n\t\t\tscopes access:servers!user=ada\n\t\t\tgroups visitors\n\t\t}\n" + roleHelper + lines
	w := &world{t: t, Hub: hubtest.Start(t, options)}
	w.nodes = []*hubtest.Hub{w.Hub}
	if options.Redis != nil {
		w.nodes = append(w.nodes, w.Node())
	}
	w.admin = w.API(w.Token("root"))
	w.API(w.Token("ada")).StartServer("ada", "")
	return w
}

// roleHelper is there with nobody in it; a test puts its users there.
const roleHelper = "\t\trole helper {\n\t\t\tscopes access:servers!user=ada\n\t\t}\n"

// ask sends a request with the rights of root, which must succeed.
func (w *world) ask(method, path string, body any) hubtest.Answer {
	w.t.Helper()
	answer := w.admin.Do(method, "/hub/api"+path, body)
	if answer.Status >= 300 {
		w.t.Fatalf("%s %s: %s", method, path, answer)
	}
	return answer
}

// user makes a new user with a name that is not taken.
func (w *world) user() string {
	w.t.Helper()
	w.made++
	name := fmt.Sprintf("visitor-%d", w.made)
	w.ask("POST", "/users/"+name, nil)
	return name
}

// member is a new user who may visit.
func (w *world) member() string {
	w.t.Helper()
	name := w.user()
	w.ask("POST", "/groups/visitors/users", map[string]any{"users": []string{name}})
	return name
}

// token makes an API token of a user; it is the secret with the id.
func (w *world) token(user string, seconds int) (secret, id string) {
	w.t.Helper()
	body := map[string]any{"note": "revocation"}
	if seconds > 0 {
		body["expires_in"] = seconds
	}
	var made struct{ Token, ID string }
	w.ask("POST", "/users/"+user+"/tokens", body).JSON(w.t, &made)
	return made.Token, made.ID
}

// entrance is how a visitor opens a socket at a node.
type entrance func(node *hubtest.Hub) *hubtest.Client

// logIn is by session.
func (w *world) logIn(user string) (entrance, *hubtest.Client) {
	w.t.Helper()
	browser := w.LogIn(user)
	return w.browser(browser), browser
}

// browser talks to any node with the cookies that it has.
func (w *world) browser(client *hubtest.Client) entrance {
	return func(node *hubtest.Hub) *hubtest.Client {
		other := node.Anonymous()
		other.HTTP.Jar = client.HTTP.Jar
		return other
	}
}

// byToken is by API token.
func (w *world) byToken(secret string) entrance {
	return func(node *hubtest.Hub) *hubtest.Client { return node.API(secret) }
}

// byLink is by a link with an API token, in a browser without a session.
func (w *world) byLink(secret string) entrance {
	w.t.Helper()
	browser := w.Anonymous()
	answer := browser.Do(http.MethodGet, "/user/ada/lab?token="+secret, nil, "Sec-Fetch-Mode", "navigate")
	if answer.Status != http.StatusSeeOther {
		w.t.Fatalf("link: %s", answer)
	}
	return w.browser(browser)
}

// closing is the end of a socket.
type closing struct {
	at   time.Time
	code websocket.StatusCode
}

// socket is an open WebSocket.
type socket struct {
	conn  *websocket.Conn
	ended chan closing
}

// open opens a socket and shows that it works.
func (w *world) open(client *hubtest.Client) *socket {
	w.t.Helper()
	s, err := dial(w.t, client)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// dial is open for any goroutine.
func dial(t *testing.T, client *hubtest.Client) (*socket, error) {
	conn, answer, err := client.WebSocket(path)
	if err != nil {
		return nil, fmt.Errorf("WebSocket: %w\n%s", err, answer)
	}
	s := &socket{conn: conn, ended: make(chan closing, 1)}
	if err := s.echo(t.Context()); err != nil {
		return nil, fmt.Errorf("WebSocket: %w", err)
	}
	go func() {
		for {
			// The context is that of no test: it ends with the connection.
			if _, _, err := conn.Read(context.Background()); err != nil {
				s.ended <- closing{time.Now(), websocket.CloseStatus(err)}
				return
			}
		}
	}()
	return s, nil
}

// everywhere opens a socket at each node.
func (w *world) everywhere(enter entrance) []*socket {
	w.t.Helper()
	var sockets []*socket
	for _, node := range w.nodes {
		sockets = append(sockets, w.open(enter(node)))
	}
	return sockets
}

// echo shows that a socket works, before anybody else reads from it.
func (s *socket) echo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lost)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return err
	}
	_, got, err := s.conn.Read(ctx)
	if err == nil && string(got) != "hello" {
		err = fmt.Errorf("it says %q", got)
	}
	return err
}

// alive fails unless a socket is still open.
func (s *socket) alive(t *testing.T, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lost)
	defer cancel()
	// A pong is read by the goroutine that waits for the end.
	if err := s.conn.Ping(ctx); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// took is how long after a moment a socket was closed; not at all is an error, and
// so is another code than 1008.
func (s *socket) took(t *testing.T, since time.Time, what string) time.Duration {
	t.Helper()
	select {
	case end := <-s.ended:
		if end.code != websocket.StatusPolicyViolation {
			t.Errorf("%s: code %d", what, end.code)
		}
		return max(0, end.at.Sub(since))
	case <-time.After(lost + time.Until(since)):
		t.Errorf("%s: not closed", what)
		return lost
	}
}

// reload puts the Caddyfile that a hub began with into force, with one line in it
// followed by another.
func (w *world) reload(line, next string) {
	w.t.Helper()
	for _, node := range w.nodes {
		text := node.Caddyfile()
		if !strings.Contains(text, line+"\n") {
			w.t.Fatalf("the Caddyfile has no line %q", line)
		}
		if err := node.Reload(strings.Replace(text, line+"\n", line+"\n"+next+"\n", 1)); err != nil {
			w.t.Fatal(err)
		}
	}
}
