package chp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// hub is a JupyterHub from PyPI that starts our command as its proxy.
type hub struct {
	t          *testing.T
	folder     string
	venv       string
	public     int
	api        int
	command    *exec.Cmd
	ended      chan struct{}
	logs       *log
	adminToken string
}

const hubConfig = `
c = get_config()  # noqa
c.JupyterHub.bind_url = "http://127.0.0.1:%d"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:%d"
c.JupyterHub.db_url = "sqlite:///%s/hub.sqlite"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = True
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:%d"
c.ConfigurableHTTPProxy.command = ["%s", "configurable-http-proxy"]
c.ConfigurableHTTPProxy.check_running_interval = 1
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "%s/home/{username}"
c.Spawner.cmd = ["jupyterhub-singleuser", "--allow-root"]
c.JupyterHub.load_roles = [{"name": "test", "scopes": ["admin:users", "admin:servers", "tokens", "proxy"], "services": ["t"]}]
c.JupyterHub.services = [{"name": "t", "api_token": "%s"}]
`

func newHub(t *testing.T) *hub {
	h := &hub{t: t, folder: t.TempDir(), venv: hubtest.VirtualEnvironment(t), adminToken: "an-admin-token-of-the-test"}
	h.public, h.api = hubtest.FreePort(t), hubtest.FreePort(t)
	config := fmt.Sprintf(hubConfig, h.public, hubtest.FreePort(t), h.folder, h.api, caddyhub, h.folder, h.adminToken)
	if err := os.WriteFile(filepath.Join(h.folder, "config.py"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.cleanup)
	h.start()
	return h
}

func (h *hub) start() {
	h.t.Helper()
	h.logs, h.ended = new(log), make(chan struct{})
	command := exec.Command(filepath.Join(h.venv, "bin", "jupyterhub"), "--config", filepath.Join(h.folder, "config.py"))
	command.Dir = h.folder
	command.Env = []string{
		"HOME=" + h.folder, "LANG=C.UTF-8",
		"PATH=" + filepath.Join(h.venv, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH"),
	}
	command.Stdout, command.Stderr = h.logs, h.logs
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Servers that outlive the hub hold its output.
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended := h.ended
	go func() {
		_ = command.Wait() // it is killed
		close(ended)
	}()
	h.command = command
	h.eventually("the hub answers through the proxy", func() bool {
		select {
		case <-ended:
			h.t.Fatalf("JupyterHub ended:\n%s", h.logs)
		default:
		}
		response, err := http.Get(h.url("/hub/health"))
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func (h *hub) eventually(what string, holds func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("still waiting after a minute: %s\n%s", what, h.logs)
		}
	}
}

func (h *hub) url(path string) string { return "http://127.0.0.1:" + strconv.Itoa(h.public) + path }

// processes are the ids of the processes of this hub that have a word in their
// command line.
func (h *hub) processes(word string) []int { return processes(h.t, "HOME="+h.folder, word) }

// processes are the ids of those that have a mark in their environment and a word
// in their command line, on Linux.
func processes(t *testing.T, mark, word string) []int {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, folder := range folders {
		variables, err := os.ReadFile(filepath.Join(folder, "environ"))
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil || !bytes.Contains(variables, []byte(mark)) || !bytes.Contains(line, []byte(word)) {
			continue
		}
		if id, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			found = append(found, id)
		}
	}
	return found
}

func (h *hub) kill(word string) {
	for _, id := range h.processes(word) {
		_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended
	}
}

func (h *hub) cleanup() {
	for range 100 {
		if len(h.processes("")) == 0 {
			return
		}
		h.kill("")
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Error("processes of the hub are left")
}

// visitor is a browser, as far as it matters.
type visitor struct {
	*hub
	client *http.Client
}

// do sends a request with the XSRF token of its path, as pages do.
func (v *visitor) do(method, path, body, kind string, fields ...string) (int, string) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.url(path), strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Set(name, value)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func (h *hub) logIn(user string) *visitor {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	v := &visitor{h, &http.Client{Jar: jar, Timeout: time.Minute}}
	v.do(http.MethodGet, "/hub/login", "", "")
	at, err := url.Parse(h.url("/hub/"))
	if err != nil {
		h.t.Fatal(err)
	}
	form := url.Values{"username": {user}, "password": {"x"}}
	for _, cookie := range jar.Cookies(at) {
		if cookie.Name == "_xsrf" {
			form.Set("_xsrf", cookie.Value)
		}
	}
	status, page := v.do(http.MethodPost, "/hub/login?next=%2Fhub%2Fhome", form.Encode(), "application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate")
	if status != http.StatusOK || !strings.Contains(page, user) {
		h.t.Fatalf("login: %d %.500s", status, page)
	}
	return v
}

// admin calls the API of the hub through the proxy.
func (v *visitor) admin(method, path string, body string) (int, string) {
	return v.do(method, "/hub/api"+path, body, "", "Authorization: token "+v.adminToken)
}

// terminal opens a shell of the user's server and returns a function that runs a
// command in it and waits for a text in what it prints.
func (v *visitor) terminal(user, token string) func(command, want string) {
	v.t.Helper()
	status, text := v.do(http.MethodPost, "/user/"+user+"/api/terminals", "{}", "application/json", "Authorization: token "+token)
	var made struct{ Name string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusOK {
		v.t.Fatalf("terminal: %d %s", status, text)
	}
	address := "ws" + strings.TrimPrefix(v.url("/user/"+user+"/terminals/websocket/"+made.Name), "http")
	socket, _, err := websocket.Dial(v.t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"token " + token}}}) //nolint:bodyclose // the socket has the body
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = socket.CloseNow() })
	socket.SetReadLimit(1 << 20)
	return func(command, want string) {
		v.t.Helper()
		message, _ := json.Marshal([]string{"stdin", command + "\r"})
		if err := socket.Write(v.t.Context(), websocket.MessageText, message); err != nil {
			v.t.Fatal(err)
		}
		for printed := ""; !strings.Contains(printed, want); {
			_, text, err := socket.Read(v.t.Context())
			if err != nil {
				v.t.Fatalf("%v after %q", err, printed)
			}
			var parts []any
			if json.Unmarshal(text, &parts) == nil && len(parts) == 2 && parts[0] == "stdout" {
				printed += fmt.Sprint(parts[1])
			}
		}
	}
}

// TestRealJupyterHub: an unmodified JupyterHub starts our command as its proxy,
// and its users notice nothing; neither of the two notices when the other dies.
func TestRealJupyterHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	v := h.logIn("ada")
	if status, text := v.admin(http.MethodPost, "/users/ada/server", ""); status != http.StatusCreated && status != http.StatusAccepted {
		t.Fatalf("spawn: %d %s", status, text)
	}
	_, text := v.admin(http.MethodPost, "/users/ada/tokens", `{}`)
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Token == "" {
		t.Fatalf("token: %s", text)
	}
	alive := func() bool {
		status, _ := v.do(http.MethodGet, "/user/ada/api/status", "", "", "Authorization: token "+made.Token)
		return status == http.StatusOK
	}
	h.eventually("the server answers", alive)
	if status, page := v.do(http.MethodGet, "/user/ada/lab", "", ""); status != http.StatusOK || !strings.Contains(page, "JupyterLab") {
		t.Errorf("JupyterLab with the cookie of the login: %d %.300s", status, page)
	}
	run := v.terminal("ada", made.Token)
	run("echo $((6*7))", "42")

	// The hub dies. What runs goes on.
	_ = h.command.Process.Kill()
	<-h.ended
	run("echo $((6*8))", "48")
	if !alive() {
		t.Error("the server is not reachable without the hub")
	}

	// The next hub replaces the proxy, and finds everything as it was.
	h.start()
	h.eventually("the server answers after the hub was restarted", alive)
	v.terminal("ada", made.Token)("echo $((6*9))", "54")

	// The proxy dies; the hub starts another, which has the routes at once.
	before := h.processes("configurable-http-proxy")
	h.kill("configurable-http-proxy")
	h.eventually("another proxy", func() bool {
		now := h.processes("configurable-http-proxy")
		return len(now) > 0 && fmt.Sprint(now) != fmt.Sprint(before) && listens(fmt.Sprintf("127.0.0.1:%d", h.public))
	})
	if !alive() {
		t.Error("the server is not reachable right after the proxy was restarted")
	}
	v.terminal("ada", made.Token)("echo $((6*11))", "66")

	if status, text := v.admin(http.MethodDelete, "/users/ada/server", ""); status != http.StatusNoContent && status != http.StatusAccepted {
		t.Fatalf("stop: %d %s", status, text)
	}
	h.eventually("the route is gone", func() bool {
		status, text := v.admin(http.MethodGet, "/proxy", "")
		return status == http.StatusOK && !strings.Contains(text, "/user/ada")
	})
	if status, _ := v.do(http.MethodGet, "/user/ada/api/status", "", "", "Authorization: token "+made.Token); status == http.StatusOK {
		t.Error("a stopped server answers")
	}
}
