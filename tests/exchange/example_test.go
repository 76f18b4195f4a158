package exchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// example is examples/portal, started by its own command.
type example struct {
	t           *testing.T
	folder      string
	hub, portal string
	token       string
	mu          sync.Mutex
	written     bytes.Buffer
	process     *exec.Cmd
}

func (e *example) Write(text []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written.Write(text)
}

func (e *example) output() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written.String()
}

func startExample(t *testing.T) *example {
	t.Helper()
	venv := hubtest.VirtualEnvironment(t)
	caddyhub := os.Getenv(binary.Variable)
	if caddyhub == "" {
		built, remove, err := binary.Build()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(remove)
		caddyhub = built
	}
	run, err := filepath.Abs("../../examples/portal/run")
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: the path of the socket of the admin endpoint must be short.
	folder, err := os.MkdirTemp("", "portal")
	if err != nil {
		t.Fatal(err)
	}
	hub, portal := hubtest.FreePort(t), hubtest.FreePort(t)
	e := &example{
		t: t, folder: folder, token: "portal-token-0123456789",
		hub: fmt.Sprintf("http://localhost:%d", hub), portal: fmt.Sprintf("http://127.0.0.1:%d", portal),
	}
	// The command looks for a program of this name.
	if err := os.Symlink(caddyhub, filepath.Join(folder, "caddyhub")); err != nil {
		t.Fatal(err)
	}
	e.process = exec.Command(run)
	e.process.Dir = folder
	e.process.Env = []string{
		"PATH=" + folder + ":" + filepath.Join(venv, "bin") + ":" + os.Getenv("PATH"), "HOME=" + folder, "LANG=C.UTF-8",
		fmt.Sprintf("HUB_PORT=%d", hub), fmt.Sprintf("PORTAL_PORT=%d", portal), "PORTAL_TOKEN=" + e.token,
	}
	e.process.Stdout, e.process.Stderr = e, e
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	hubtest.Eventually(t, "the example says where to go", func() bool { return strings.Contains(e.output(), "Open "+e.portal) })
	return e
}

func (e *example) stop() {
	_ = e.process.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = e.process.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		e.t.Error("the example does not end when it is asked to")
		_ = syscall.Kill(-e.process.Process.Pid, syscall.SIGKILL)
	}
	// Servers outlive their hub.
	hubtest.Eventually(e.t, "the servers of the example end", func() bool {
		left := 0
		folders, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, name := range folders {
			variables, err := os.ReadFile(name)
			var id int
			if _, scanned := fmt.Sscanf(name, "/proc/%d/environ", &id); err != nil || scanned != nil || !bytes.Contains(variables, []byte("="+e.folder+"/.run/home/")) {
				continue
			}
			left++
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
		return left == 0
	})
	if e.t.Failed() {
		e.t.Logf("the example wrote:\n%.8000s", e.output())
	}
	_ = os.RemoveAll(e.folder)
}

// user asks the hub about a user, as the portal.
func (e *example) user(name string) (model struct {
	Name    string
	Servers map[string]struct{ Ready bool }
}, status int) {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.hub+"/hub/api/users/"+name, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+e.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &model); err != nil {
			e.t.Fatalf("%v: %s", err, body)
		}
	}
	return model, response.StatusCode
}

var loginToken = regexp.MustCompile(`login_token=([^&"\s\\]+)`)

// TestExample is the whole way of a person: an account at the portal, one button,
// JupyterLab. The hub has never heard of the person before and shows no login page.
func TestExample(t *testing.T) {
	t.Parallel()
	e := startExample(t)
	b := newTab(t)
	if _, status := e.user("me"); status != http.StatusNotFound {
		t.Fatalf("the hub knows the user before: %d", status)
	}
	b.open(e.portal)
	b.do(chromedp.SendKeys(`[name=name]`, "me", chromedp.ByQuery), chromedp.SendKeys(`[name=password]`, "jupyter", chromedp.ByQuery))
	b.press(`#login`)
	b.press(`#open`)
	b.until(`document.querySelector('#jp-main-dock-panel') && document.querySelector('.jp-LauncherCard')`)
	if address := b.text(`location.href`); !strings.HasPrefix(address, e.hub+"/user/me/named/lab") || strings.Contains(address, "token") {
		t.Errorf("JupyterLab is at %s", address)
	}
	if user, status := e.user("me"); status != http.StatusOK || !user.Servers["named"].Ready {
		t.Errorf("user %+v, %d", user, status)
	}
	tokens := map[string]bool{}
	for len(b.sent) > 0 {
		sent := <-b.sent
		if strings.Contains(sent[0], "/hub/login?next") {
			t.Errorf("the browser was sent to log in: %s", sent[0])
		}
		if loginToken.MatchString(sent[1]) {
			t.Errorf("the token went on as a Referer to %s", sent[0])
		}
		if found := loginToken.FindStringSubmatch(sent[0]); found != nil {
			tokens[found[1]] = true
		}
	}
	if len(tokens) != 1 {
		t.Fatalf("the browser brought %d tokens, want 1", len(tokens))
	}
	for token := range tokens {
		if strings.Contains(e.output(), token) {
			t.Errorf("the token is in what the hub wrote")
		}
		// The link is worth nothing to whoever finds it.
		other := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		response, err := other.Get(e.hub + "/hub/login?login_token=" + token)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusForbidden || len(response.Cookies()) != 0 {
			t.Errorf("the link works again: %d", response.StatusCode)
		}
	}
}
