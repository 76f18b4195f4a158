package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hub/hubseed"
	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// contender is a hub that runs.
type contender struct {
	name, address string
	process       *os.Process
	// admin is the socket of Caddy's admin endpoint, if it has one.
	admin string
	// start is how long it took to the first answer, memory what it had then.
	start  time.Duration
	memory int64
}

// patience bounds how long a hub may take to start.
const patience = 2 * time.Minute

// run starts a hub, waits for the first answer that takes its state to give, and
// ends it with the benchmark.
func run(b *testing.B, w *world, name string, port int, command *exec.Cmd) *contender {
	b.Helper()
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	begun := time.Now()
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // how it ended shows in its log
	}()
	b.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
		if b.Failed() {
			b.Logf("%s: %s", name, log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	c := &contender{name: name, address: fmt.Sprintf("127.0.0.1:%d", port), process: command.Process}
	for !c.answers(w) {
		select {
		case <-ended:
			b.Fatalf("%s has ended", name)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(begun) > patience {
			b.Fatalf("%s does not answer", name)
		}
	}
	c.start, c.memory = time.Since(begun), measure.RSS(measure.Tree(command.Process.Pid)...)
	return c
}

// answers says whether a hub tells the page of users that everybody is asked for.
func (c *contender) answers(w *world) bool {
	request, err := http.NewRequest(http.MethodGet, "http://"+c.address+"/hub/api/users?limit=1", nil)
	if err != nil {
		return false
	}
	request.Header.Set("Authorization", "token "+w.culler)
	request.Header.Set("Accept", "application/jupyterhub-pagination+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(body), strconv.Itoa(w.users))
}

func startJupyterHub(b *testing.B, w *world, environment string) *contender {
	b.Helper()
	folder := b.TempDir()
	database := filepath.Join(folder, "jupyterhub.sqlite")
	wish, err := json.Marshal(map[string]any{"database": database, "users": w.users, "port": w.port, "tokens": w.tokens})
	if err != nil {
		b.Fatal(err)
	}
	seed := exec.CommandContext(b.Context(), filepath.Join(environment, "bin", "python3"), "testdata/seed_jupyterhub.py")
	seed.Stdin = bytes.NewReader(wish)
	if out, err := seed.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	config, err := filepath.Abs("testdata/jupyterhub_config.py")
	if err != nil {
		b.Fatal(err)
	}
	port := freePort(b)
	command := measure.Pinned(b.Context(), measured, filepath.Join(environment, "bin", "jupyterhub"), "-f", config)
	command.Dir = folder
	command.Env = append(command.Env,
		"PATH="+filepath.Join(environment, "bin")+":"+os.Getenv("PATH"),
		"BENCH_DATABASE="+database, "BENCH_PORT="+strconv.Itoa(port), "BENCH_CULLER="+w.culler)
	return run(b, w, "JupyterHub", port, command)
}

func startCaddyhub(b *testing.B, w *world, name, redis string) *contender {
	b.Helper()
	folder := b.TempDir()
	keys := secret() + secret()
	seed := hubseed.Seed{
		Path: filepath.Join(folder, "caddyhub.db"), Redis: redis, Secret: keys,
		Users: w.names(), Tokens: w.tokens, Process: os.Getpid(), Port: w.port,
	}
	if err := seed.Fill(b.Context()); err != nil {
		b.Fatal(err)
	}
	port := freePort(b)
	storage := "store embedded {\n\t\t\tpath " + filepath.Join(folder, "caddyhub.db") + "\n\t\t}"
	if redis != "" {
		storage = "store redis {\n\t\t\turl " + redis + "\n\t\t\tsecret " + keys + "\n\t\t}"
	}
	caddyfile := fmt.Sprintf(`{
	admin unix/%[1]s/admin.sock
	storage file_system %[1]s/caddy
	persist_config off
	auto_https off
	caddyhub {
		%[2]s
		authenticator dummy
		allow all
		spawner process {
			allow_root
		}
		role culler {
			scopes list:users read:users:activity read:servers delete:servers admin:users
			services culler
		}
		service culler {
			api_token %[3]s
		}
	}
}

http://127.0.0.1:%[4]d {
	bind 127.0.0.1
	hub
}
`, folder, storage, w.culler, port)
	path := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		b.Fatal(err)
	}
	program := os.Getenv(binary.Variable)
	command := measure.Pinned(b.Context(), measured, program, "run", "--config", path)
	c := run(b, w, name, port, command)
	c.admin = filepath.Join(folder, "admin.sock")
	return c
}
