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
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// BenchmarkStart is how long a user waits, in seconds, of the last round. "hub" is from pressing
// start on the home page to a JupyterLab that can be used. "by_hand" is the same
// with the same jupyterhub-singleuser started by hand and opened as soon as it
// answers, with nothing in between. They take turns, so that what else goes on
// on the machine disturbs both. "hub_answers" and "by_hand_answers" are up to the
// first answer of the server, without the browser.
func BenchmarkStart(b *testing.B) {
	hub := hubtest.Start(b, hubtest.Options{Admins: []string{"ada"}})
	token := hub.Token("ada")
	api := hub.API(token)
	visitor, other := newVisitor(b, hub), newVisitor(b, hub)
	visitor.open("/hub/home")
	visitor.logIn("ada")
	other.do(network.SetExtraHTTPHeaders(network.Headers{"Authorization": "token " + token}))
	for b.Loop() {
		b.ReportMetric(took(func() { visitor.start(); visitor.until(labIsUsable) }), "hub")
		visitor.stop()
		api.WaitServer("ada", "", false)

		var address string
		var stop func()
		b.ReportMetric(took(func() {
			address, stop = startByHand(b, hub, token)
			other.do(chromedp.Navigate(address))
			other.until(labIsUsable)
		}), "by_hand")
		other.do(chromedp.Navigate("about:blank"))
		stop()

		b.ReportMetric(took(func() { api.StartServer("ada", "") }), "hub_answers")
		api.Do(http.MethodDelete, "/hub/api/users/ada/server", nil)
		api.WaitServer("ada", "", false)
		b.ReportMetric(took(func() { _, stop = startByHand(b, hub, token) }), "by_hand_answers")
		stop()
	}
	b.ReportMetric(0, "ns/op") // of all this together, it says nothing
}

// took is how long something takes, in seconds.
func took(do func()) float64 {
	begin := time.Now()
	do()
	return time.Since(begin).Seconds()
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
