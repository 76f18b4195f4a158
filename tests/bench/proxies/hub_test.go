package proxies

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// manyRoutes are in every table that can have them.
const manyRoutes = 10_000

// hub is a whole hub, whose gate decides every request by the session of a user,
// among many routes. The user's server is the upstream of everybody.
func hub(b *testing.B, secure bool) (*contender, *arena) {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	api := hubtest.FreePort(b)
	running := hubtest.Start(b, hubtest.Options{
		HTTPS:       secure,
		Environment: []string{"GOMAXPROCS=1"},
		Spawner:     "command " + program + "\n\t\t\tenvironment " + asUpstream + " 1",
		More:        "http://127.0.0.1:" + strconv.Itoa(api) + " {\n\thub_routes_api {\n\t\tauth_token " + routesToken + "\n\t}\n}\n",
	})
	user := running.LogIn("ada")
	script := running.API(running.Token("ada"))
	script.StartServer("ada", "")
	script.WaitServer("ada", "", true)
	upstream := running.Processes()[0]
	pin(b, running.PID(), contendersCore)
	pin(b, upstream, loadCore)

	_, port, _ := net.SplitHostPort(running.Address())
	c := &contender{
		name: "caddyhub with a hub", pid: running.PID(), upstream: upstream, host: "localhost", port: port,
		secure: secure, path: "/user/ada/", fields: append(cookies(b, user, running.URL), [2]string{"Origin", running.URL}),
	}
	target := routed(b, upstream)
	host, port, err := upstreamAddress(target)
	if err != nil {
		b.Fatal(err)
	}
	newRoutes(b, api, net.JoinHostPort(host, port)).addMany(0, manyRoutes)
	return c, &arena{b: b, folder: b.TempDir(), host: host, port: port, upstream: upstream}
}

// routed is the address that a server was told to listen at.
func routed(b *testing.B, pid int) string {
	b.Helper()
	variables, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		b.Fatal(err)
	}
	for variable := range strings.SplitSeq(string(variables), "\x00") {
		if value, found := strings.CutPrefix(variable, "JUPYTERHUB_SERVICE_URL="); found {
			return value
		}
	}
	b.Fatal("a server without an address")
	return ""
}

// cookies are those of a browser below the path of the user's server, with the
// proof that goes with them.
func cookies(b *testing.B, user *hubtest.Client, address string) (fields [][2]string) {
	b.Helper()
	place, err := url.Parse(address + "/user/ada/")
	if err != nil {
		b.Fatal(err)
	}
	// A page gives what its later requests need.
	if answer := user.Do("GET", "/user/ada/"+smallPath, nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"); answer.Status != 200 {
		b.Fatal(answer)
	}
	var text []string
	for _, cookie := range user.HTTP.Jar.Cookies(place) {
		text = append(text, cookie.Name+"="+cookie.Value)
		if cookie.Name == "_xsrf" {
			fields = append(fields, [2]string{"X-XSRFToken", cookie.Value})
		}
	}
	return append(fields, [2]string{"Cookie", strings.Join(text, "; ")})
}

func pin(b *testing.B, pid, core int) {
	b.Helper()
	for _, id := range measure.Tree(pid) {
		if out, err := exec.Command("taskset", "-a", "-c", "-p", strconv.Itoa(core), strconv.Itoa(id)).CombinedOutput(); err != nil {
			b.Fatalf("taskset: %v: %s", err, out)
		}
	}
}
