package browser_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// BenchmarkStart is how long a user waits: from pressing start on the home page
// to a JupyterLab that can be used. To compare, the same jupyterhub-singleuser is
// started by hand and opened as soon as it answers, with nothing in between.
func BenchmarkStart(b *testing.B) {
	b.Run("hub", func(b *testing.B) {
		hub := hubtest.Start(b, hubtest.Options{Admins: []string{"ada"}})
		visitor := newVisitor(b, hub)
		visitor.open("/hub/login")
		visitor.logIn("ada")
		api := hub.API(hub.Token("ada"))
		for b.Loop() {
			visitor.start()
			visitor.until(labIsUsable)
			b.StopTimer()
			visitor.stop()
			api.WaitServer("ada", "", false)
			b.StartTimer()
		}
	})
	b.Run("by_hand", func(b *testing.B) {
		hub := hubtest.Start(b, hubtest.Options{Admins: []string{"ada"}})
		visitor := newVisitor(b, hub)
		token := hub.Token("ada")
		visitor.do(network.SetExtraHTTPHeaders(network.Headers{"Authorization": "token " + token}))
		for b.Loop() {
			address, stop := startByHand(b, hub, token)
			visitor.do(chromedp.Navigate(address))
			visitor.until(labIsUsable)
			b.StopTimer()
			stop()
			b.StartTimer()
		}
	})
}

// startByHand starts a server of ada's without the hub, which it asks only who
// the visitor is, and waits until it answers.
func startByHand(b *testing.B, hub *hubtest.Hub, token string) (address string, stop func()) {
	b.Helper()
	bin, home := filepath.Join(hubtest.VirtualEnvironment(b), "bin"), b.TempDir()
	address = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(hubtest.FreePort(b))) + "/user/ada/"
	command := exec.Command(filepath.Join(bin, "jupyterhub-singleuser"), "--allow-root")
	command.Dir = home
	command.Env = []string{
		"HOME=" + home, "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "LANG=C.UTF-8",
		"JUPYTERHUB_API_TOKEN=" + token, "JUPYTERHUB_API_URL=" + hub.APIURL() + "/hub/api", "JUPYTERHUB_BASE_URL=/",
		"JUPYTERHUB_CLIENT_ID=jupyterhub-user-ada", "JUPYTERHUB_USER=ada", "JUPYTERHUB_SERVER_NAME=",
		"JUPYTERHUB_SERVICE_PREFIX=/user/ada/", "JUPYTERHUB_SERVICE_URL=" + address,
		`JUPYTERHUB_OAUTH_ACCESS_SCOPES=["access:servers!user=ada"]`,
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	stop = func() {
		_ = command.Process.Signal(syscall.SIGKILL)
		_ = command.Wait() // says only that a signal ended it
	}
	hubtest.Eventually(b, "the server answers", func() bool {
		response, err := http.Get(address + "api")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return address, stop
}

// BenchmarkIdle reports what a hub that does nothing takes of memory.
func BenchmarkIdle(b *testing.B) {
	hub := hubtest.Start(b, hubtest.Options{})
	for b.Loop() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", hub.PID()))
		if err != nil {
			b.Skip(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		var kilobytes float64
		if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(kilobytes/1024, "MiB")
	}
}
