package faults_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// TestFileModes: what the store keeps is for the hub's account alone.
func TestFileModes(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	h.LogIn("ada")
	for _, path := range []string{storeFile(t, h), storeFile(t, h) + ".keys", adminSocket(t, h)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(path), mode)
		}
	}
}

// secondTimeout is how long a second process may take to give up.
const secondTimeout = 30 * time.Second

// TestSecondProcess starts another hub with the same file: it says what is
// wrong, ends, and harms nobody.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	ada := enter(h, "ada")
	folder := t.TempDir()
	config := `{
	admin off
	storage file_system ` + folder + `
	caddyhub {
		store embedded {
			path ` + storeFile(t, h) + `
		}
		authenticator null
		spawner process
	}
}
`
	path := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), secondTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, os.Getenv(binary.Variable), "run", "--config", path)
	command.Dir, command.Env = folder, []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	output, err := command.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("a second process with the same file: %v\n%s", err, output)
	}
	if text := string(output); !strings.Contains(text, storeFile(t, h)) || !strings.Contains(text, "another process") {
		t.Errorf("the error does not say what is wrong:\n%s", text)
	}
	if got := ada.api.Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusOK {
		t.Errorf("the first process: %s", got)
	}
}

// TestNoSecrets looks for secrets where they must not be: the log, the
// configuration that the admin endpoint shows, and error pages.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	const userPassword, serviceToken = "canary-of-the-user-password", "canary-of-the-service-token"
	h := hubtest.Start(t, hubtest.Options{
		Spawner:       upstream.Spawner(t),
		Authenticator: "authenticator dummy {\n\t\t\tpassword {env.CANARY_PASSWORD}\n\t\t}",
		Hub:           "service portal {\n\t\t\tapi_token {env.CANARY_TOKEN}\n\t\t\tadmin\n\t\t}",
		Site:          "log",
		Environment:   []string{"CANARY_PASSWORD=" + userPassword, "CANARY_TOKEN=" + serviceToken},
	})
	ada := h.Anonymous()
	if got := ada.SubmitLogin("ada", userPassword); got.Status != http.StatusFound {
		t.Fatalf("login: %s", got)
	}
	portal := h.API(serviceToken)
	if got := portal.Do(http.MethodGet, "/hub/api/users", nil); got.Status != http.StatusOK {
		t.Fatalf("the service: %s", got)
	}
	token := h.Token("ada")
	h.API(token).StartServer("ada", "")
	visit := arrived(t, ada.Do(http.MethodGet, "/user/ada/x", nil, "Sec-Fetch-Mode", "navigate"))
	secrets := map[string]string{
		"the password": userPassword, "the service's token": serviceToken, "an API token": token,
		"the session":       ada.Cookie("/", "caddyhub-session").Value,
		"a visitor's token": strings.TrimPrefix(visit.Header.Get("Authorization"), "token "),
	}
	var seen strings.Builder
	for _, got := range []hubtest.Answer{
		h.Anonymous().SubmitLogin("ada", userPassword+"x"),
		h.API(serviceToken+"x").Do(http.MethodGet, "/hub/api/users", nil),
		portal.Do(http.MethodGet, "/hub/api/nothing", nil),
		h.API(token).Do(http.MethodGet, "/hub/api/users/bob", nil),
		h.API(token).Do(http.MethodPost, "/hub/api/users/ada/tokens", "{not JSON"),
		ada.Do(http.MethodGet, "/user/nobody/x", nil),
	} {
		if got.Status < 400 {
			t.Errorf("not an error: %s", got)
		}
		seen.WriteString(got.String())
	}
	for where, text := range map[string]string{"an error": seen.String(), "the log": h.Log(), "/config/": config(t, h), "the log of a server": h.ServerLog()} {
		for what, secret := range secrets {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("%s is in %s", what, where)
			}
		}
	}
}

// config is what the admin endpoint says is in force.
func config(t *testing.T, h *hubtest.Hub) string {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", adminSocket(t, h))
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://127.0.0.1/config/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), "caddyhub") {
		t.Fatalf("/config/: %v\n%s", err, text)
	}
	return string(text)
}
