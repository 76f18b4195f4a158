// Package upstream is a single-user server, or a service, that tells what it was
// asked: the body of each of its answers is the request as it arrived. It starts
// within milliseconds, so that tests of what stands in front of it can start many.
//
// A test binary is the server itself: call Main in TestMain, and give the text of
// Spawner to the hub.
package upstream

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// variable tells a test binary that it is to be a server.
const variable = "CADDYHUB_TEST_UPSTREAM"

// pause is how long a server that is held waits before it looks again.
const pause = 10 * time.Millisecond

// Spawner are lines for the block of the spawner: every server is this binary.
func Spawner(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("command %q\n\t\t\tenvironment %s 1", self, variable)
}

// Main is hubtest.Main for a binary that a hub may start as a server.
func Main(m *testing.M) {
	if os.Getenv(variable) == "" {
		hubtest.Main(m)
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Real makes the server of a user a real jupyterhub-singleuser.
func Real(t testing.TB, hub *hubtest.Hub, user string) { mark(t, hub, user, genuine) }

// Hold keeps the server of a user from answering once it is started, until the
// returned function is called.
func Hold(t testing.TB, hub *hubtest.Hub, user string) (release func()) {
	t.Helper()
	mark(t, hub, user, held)
	return func() {
		if err := os.Remove(filepath.Join(hub.Home(user), held)); err != nil {
			t.Error(err)
		}
	}
}

func mark(t testing.TB, hub *hubtest.Hub, user, name string) {
	t.Helper()
	if err := os.MkdirAll(hub.Home(user), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hub.Home(user), name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// StartHeld asks for the server of a user that is held, and waits until it is
// starting. What the hub answers in the end is not looked at: it may die first.
func StartHeld(t testing.TB, hub *hubtest.Hub, token, user string) {
	t.Helper()
	client := hub.API(token)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hub.URL+"/hub/api/users/"+user+"/server", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+token)
	go func() {
		if response, err := client.HTTP.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	hubtest.Eventually(t, "server of "+user+" is starting", func() bool {
		var model struct {
			Servers map[string]struct{ Pending string }
		}
		client.Do(http.MethodGet, "/hub/api/users/"+user, nil).JSON(t, &model)
		return model.Servers[""].Pending == "spawn"
	})
}

const (
	// held is the file in the home of a user whose server must wait.
	held = "held"
	// genuine is the file in the home of a user whose server is Jupyter's own.
	genuine = "genuine"
)

// serve listens where a hub wants its servers to.
func serve() error {
	if _, err := os.Stat(genuine); err == nil {
		return becomeJupyter()
	}
	for {
		if _, err := os.Stat(held); err != nil {
			break
		}
		time.Sleep(pause)
	}
	address, err := url.Parse(os.Getenv("JUPYTERHUB_SERVICE_URL"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address.Host)
	if err != nil {
		return err
	}
	return http.Serve(listener, Handler())
}

// becomeJupyter replaces this process.
func becomeJupyter() error {
	program, err := exec.LookPath("jupyterhub-singleuser")
	if err != nil {
		return err
	}
	return syscall.Exec(program, []string{program, "--allow-root"}, os.Environ())
}
