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
		secure: secure, path: "/user/ada/", fields: append(page(running.URL), cookies(b, user, running.URL)...),
		admin: running.AdminSocket(),
	}
	target := routed(b, upstream)
	host, port, err := upstreamAddress(target)
	if err != nil {
		b.Fatal(err)
	}
	newRoutes(b, api, net.JoinHostPort(host, port)).addMany(0, manyRoutes)
	return c, &arena{b: b, folder: b.TempDir(), host: host, port: port, upstream: upstream, fields: c.fields}
}

// page is what a browser sends with the requests of a page at an address.
func page(address string) [][2]string {
	return [][2]string{
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"},
		{"Accept", "*/*"}, {"Accept-Language", "en-US,en;q=0.9"}, {"Origin", address}, {"Referer", address + "/user/ada/lab"},
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"},
	}
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
