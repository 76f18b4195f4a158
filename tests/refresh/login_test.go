package refresh_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// loginService is the program of examples/external-login, which runs until the
// test ends.
type loginService struct {
	t   testing.TB
	url string
}

func startLoginService(t testing.TB, lifetime time.Duration, sites ...string) *loginService {
	t.Helper()
	program := filepath.Join(t.TempDir(), "login")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/external-login/login")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the login service: %v\n%s", err, output)
	}
	port := hubtest.FreePort(t)
	s := &loginService{t, "http://localhost:" + strconv.Itoa(port)}
	command := exec.CommandContext(context.Background(), program, "-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		"-lifetime", lifetime.String(), "-sites", strings.Join(sites, ","))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	hubtest.Eventually(t, "the login service answers", func() bool {
		response, err := http.Get(s.url + "/logins")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
	return s
}

// end ends the logins of a user.
func (s *loginService) end(user string) {
	s.t.Helper()
	response, err := http.PostForm(s.url+"/end", url.Values{"name": {user}})
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
}
