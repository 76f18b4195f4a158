package apps_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// jupyterLab starts a jupyter lab that asks nobody who they are, and returns its
// address.
func jupyterLab(t *testing.T) (address string) {
	t.Helper()
	program := filepath.Join(hubtest.VirtualEnvironment(t), "bin", "jupyter-lab")
	folder, port := t.TempDir(), hubtest.FreePort(t)
	address = fmt.Sprintf("127.0.0.1:%d", port)
	command := exec.Command(program, "--no-browser", "--allow-root", "--ip=127.0.0.1", fmt.Sprintf("--port=%d", port),
		"--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.allow_remote_access=True", "--ServerApp.root_dir="+folder)
	command.Dir = folder
	command.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + folder, "LANG=C.UTF-8"}
	run(t, command)
	hubtest.Eventually(t, "jupyter lab answers", func() bool { return answers("http://" + address + "/api") })
	return address
}

// answers says whether there is a 200.
func answers(address string) bool {
	response, err := http.Get(address)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// run runs a program until the end of the test, with all that it starts.
func run(t *testing.T, command *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = command.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(command.Path), text)
		}
		_ = log.Close()
	})
}

// TestJupyterLab that knows nothing of hubs: its pages, its writes with its own
// _xsrf, its kernels, for as long as somebody is logged in.
func TestJupyterLab(t *testing.T) {
	t.Parallel()
	lab := jupyterLab(t)
	s := start(t, map[string]string{"lab": "users ada"}, func(o *hubtest.Options) {
		at := strings.LastIndex(o.More, "reverse_proxy ")
		o.More = o.More[:at] + "reverse_proxy " + lab + "\n}\n"
	})
	nobody := browser(s.Anonymous())
	if answer := get(t, nobody, s.at("lab", "/api/contents"), api...); answer.Status != http.StatusUnauthorized {
		t.Errorf("nobody: %s", answer)
	}
	ada := browser(s.LogIn("ada"))
	page, at := visit(t, ada, s.at("lab", "/lab"))
	if page.Status != http.StatusOK || at != s.at("lab", "/lab") || !strings.Contains(string(page.Body), "jupyter-config-data") {
		t.Fatalf("the page at %s: %s", at, page)
	}
	origin, xsrf := s.at("lab", ""), cookie(t, ada, s.at("lab", "/"), "_xsrf")
	write := []string{"Origin", origin, "X-Xsrftoken", xsrf, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}
	saved := send(t, ada, http.MethodPut, s.at("lab", "/api/contents/a.txt"), `{"type":"file","format":"text","content":"hello"}`, write...)
	if saved.Status != http.StatusCreated {
		t.Fatalf("a file is not saved: %s", saved)
	}
	var kernel struct{ ID string }
	send(t, ada, http.MethodPost, s.at("lab", "/api/kernels"), `{"name":"python3"}`, write...).JSON(t, &kernel)
	socket, status := open(t, ada, s.at("lab", "/api/kernels/"+kernel.ID+"/channels"))
	if socket == nil {
		t.Fatalf("no socket to the kernel: %d", status)
	}
	socket.SetReadLimit(1 << 20)
	request := map[string]any{
		"header":        map[string]any{"msg_id": "1", "msg_type": "kernel_info_request", "session": "1", "username": "", "version": "5.3"},
		"parent_header": map[string]any{}, "metadata": map[string]any{}, "content": map[string]any{}, "channel": "shell", "buffers": []any{},
	}
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Write(t.Context(), websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	for replied := false; !replied; {
		_, message, err := socket.Read(t.Context())
		if err != nil {
			t.Fatalf("no reply of the kernel: %v", err)
		}
		replied = strings.Contains(string(message), "kernel_info_reply")
	}
	get(t, ada, s.URL+"/hub/logout", navigation...)
	if code := closed(t, socket); code != websocket.StatusPolicyViolation {
		t.Errorf("after the logout the socket is closed with %d", code)
	}
	if answer := send(t, ada, http.MethodPut, s.at("lab", "/api/contents/a.txt"), `{}`, write...); answer.Status != http.StatusUnauthorized {
		t.Errorf("after the logout: %s", answer)
	}
}

// cookie is the value of one that a client has for an address.
func cookie(t *testing.T, c *hubtest.Client, address, name string) string {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.HTTP.Jar.Cookies(at) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	t.Fatalf("no cookie %s at %s", name, address)
	return ""
}
