package links_test

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// output collects what a command says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var printed = regexp.MustCompile(`http://localhost:\d+/user/ada/lab\?token=\S+`)

// TestExample runs the example, and opens the link that it prints.
func TestExample(t *testing.T) {
	venv := hubtest.VirtualEnvironment(t)
	script, err := filepath.Abs("../../examples/shared-link/run")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	programs := filepath.Join(folder, "bin")
	if err := os.Mkdir(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Getenv(binary.Variable), filepath.Join(programs, "caddyhub")); err != nil {
		t.Fatal(err)
	}
	said := new(output)
	command := exec.Command(script)
	command.Dir, command.Stdout, command.Stderr = folder, said, said
	command.Env = []string{
		"PATH=" + strings.Join([]string{programs, filepath.Join(venv, "bin"), os.Getenv("PATH")}, string(filepath.ListSeparator)),
		"HOME=" + folder, "HUB_PORT=" + strconv.Itoa(hubtest.FreePort(t)),
	}
	// The hub, and the server that it leaves running, are children of the script.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(command.Process.Pid, syscall.SIGTERM)
		_ = command.Wait()
		endAt(t, folder)
		if t.Failed() {
			t.Log(said)
		}
	})
	hubtest.Eventually(t, "the link is printed", func() bool { return printed.MatchString(said.String()) })
	link := printed.FindString(said.String())

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	for _, address := range []string{link, strings.SplitN(link, "?", 2)[0]} {
		answer, err := browser.Do(navigation(t, address))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/user/ada/lab" || answer.Request.URL.RawQuery != "" {
			t.Errorf("%s leads to %s: %d", address, answer.Request.URL, answer.StatusCode)
		}
	}
}

func navigation(t *testing.T, address string) *http.Request {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return (&http.Request{Method: http.MethodGet, URL: parsed, Header: http.Header{"Sec-Fetch-Mode": {"navigate"}}}).WithContext(t.Context())
}

// endAt kills the servers whose home is in a folder: a hub leaves them running.
func endAt(t *testing.T, folder string) {
	t.Helper()
	hubtest.Eventually(t, "the servers of the example have ended", func() bool {
		left := 0
		environments, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range environments {
			// What cannot be read has ended, or belongs to somebody else.
			variables, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(variables, []byte("="+folder+"/")) {
				continue
			}
			if id, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				left++
				_ = syscall.Kill(id, syscall.SIGKILL)
			}
		}
		return left == 0
	})
}
