package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/process"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// The test program is also the hub that gets killed and the servers it starts.
const (
	roleVariable  = "SERVER_TEST_ROLE"
	delayVariable = "SERVER_TEST_DELAY"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "hub":
		runHub(os.Args[1])
	case "server":
		runServer()
	}
	os.Exit(m.Run())
}

// runServer is a single-user server that takes a moment to come up.
func runServer() {
	delay, _ := time.ParseDuration(os.Getenv(delayVariable))
	if os.Getenv("JUPYTERHUB_USER") == "slow" {
		time.Sleep(delay)
	}
	address, err := url.Parse(os.Getenv("JUPYTERHUB_SERVICE_URL"))
	if err != nil {
		os.Exit(2)
	}
	err = http.ListenAndServe(address.Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d %s", os.Getpid(), r.URL.Path)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// runHub starts three servers and a slow one, says so, and waits to be killed.
func runHub(folder string) {
	ctx := context.Background()
	m, _, err := processHub(folder)
	if err == nil {
		go func() { _ = m.Run(ctx) }()
		for _, user := range []string{"ada", "bob", "carol", "slow"} {
			if err = m.Start(ctx, user, "", nil); err != nil {
				break
			}
		}
	}
	for _, user := range []string{"ada", "bob", "carol"} {
		if err != nil {
			break
		}
		var s Server
		if s, err = m.Wait(ctx, user, "", 30*time.Second); err == nil && !s.Ready {
			err = fmt.Errorf("%s is not ready: %+v", user, s.Failure)
		}
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("running")
	select {}
}

// processHub is a hub over a file, with local processes as servers.
func processHub(folder string) (*Manager, store.Store, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(folder, "hub.db")})
	if err != nil {
		return nil, nil, err
	}
	ring, err := fixedRing()
	if err != nil {
		return nil, nil, err
	}
	directory := identity.New(identity.Options{Store: s, Keys: ring})
	for _, user := range []string{"ada", "bob", "carol", "slow"} {
		if _, err := directory.CreateUser(context.Background(), user, false); err != nil && !isExists(err) {
			return nil, nil, err
		}
	}
	processes, err := process.New(process.Options{
		Command: []string{program}, Home: folder, AllowRoot: true, LogDir: filepath.Join(folder, "logs"),
		InterruptTimeout: time.Second,
	})
	if err != nil {
		return nil, nil, err
	}
	m, err := New(Options{Store: s, Directory: directory, Settings: Settings{
		Spawner: processes, APIURL: "http://127.0.0.1:1/hub/api",
		Launch: Launch{Environment: map[string]string{roleVariable: "server", delayVariable: "3s"}},
	}})
	return m, s, err
}

// TestHubIsKilled is the promise of the package with real processes: kill -9
// the hub while three servers run and one is starting.
func TestHubIsKilled(t *testing.T) {
	folder := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hub := exec.CommandContext(t.Context(), program, folder)
	hub.Env = append(os.Environ(), roleVariable+"=hub")
	output, err := hub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	hub.Stderr = os.Stderr
	if err := hub.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	if err := hub.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = hub.Wait() // its status is that of a killed process
	if line != "running\n" {
		t.Fatalf("the hub said %q", line)
	}

	m, s, err := processHub(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go func() { _ = m.Run(t.Context()) }()
	defer func() {
		for _, user := range []string{"ada", "bob", "carol", "slow"} {
			if _, err := m.Stop(context.Background(), user, "", false); err != nil {
				t.Error(err)
			}
		}
		for _, user := range []string{"ada", "bob", "carol", "slow"} {
			if now, err := m.Wait(context.Background(), user, "", 20*time.Second); err != nil || now.Active() {
				t.Errorf("%s's server does not stop: %+v, %v", user, now, err)
			}
		}
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()

	began := time.Now()
	slow, err := m.Wait(t.Context(), "slow", "", 20*time.Second)
	if err != nil || !slow.Ready || time.Since(began) > 10*time.Second {
		t.Errorf("the start that was under way: %+v %+v, %v after %v", slow, slow.Failure, err, time.Since(began))
	}
	for _, user := range []string{"ada", "bob", "carol", "slow"} {
		reachable(t, m, s, user)
	}
}

func reachable(t *testing.T, m *Manager, s store.Store, user string) {
	t.Helper()
	server, err := m.Check(t.Context(), user, "")
	if err != nil || !server.Ready {
		t.Errorf("%s: %+v, %v", user, server, err)
		return
	}
	var found route.Route
	err = s.View(t.Context(), func(r store.Reader) error {
		found, err = route.Get(r, server.Route)
		return err
	})
	if err != nil {
		t.Errorf("%s: route: %v", user, err)
		return
	}
	response, err := http.Get(found.Target.String() + "/user/" + user + "/x")
	if err != nil {
		t.Errorf("%s: %v", user, err)
		return
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !strings.HasSuffix(string(body), "/user/"+user+"/x") {
		t.Errorf("%s answers %q", user, body)
	}
}
