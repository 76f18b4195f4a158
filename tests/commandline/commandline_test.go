// Package commandline_test holds the command line to the scripts in testdata:
// what is typed, what comes out, what the exit code is.
package commandline_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
)

var caddyhub string

func TestMain(m *testing.M) {
	path, remove, err := binary.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caddyhub = path
	code := m.Run()
	remove()
	os.Exit(code)
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(caddyhub)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"admin": adminEndpoint,
		},
	})
}

// adminEndpoint starts something that answers like a hub's admin endpoint until
// the script ends:
//
//	admin STATUS FILE
//
// It answers POST /caddyhub/token with the status and the content of the file,
// writes the request to request.json, and sets $ADMIN to its address.
func adminEndpoint(script *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		script.Fatalf("usage: admin STATUS FILE")
	}
	var status int
	if _, err := fmt.Sscan(args[0], &status); err != nil {
		script.Fatalf("admin: %v", err)
	}
	answer, record := script.ReadFile(args[1]), script.MkAbs("request.json")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && (r.Method != http.MethodPost || r.URL.Path != "/caddyhub/token") {
			err = fmt.Errorf("unexpected %s %s", r.Method, r.URL)
		}
		var request map[string]any
		if err == nil {
			err = json.Unmarshal(body, &request)
		}
		if err == nil {
			body, err = json.MarshalIndent(request, "", "\t")
		}
		if err == nil {
			err = os.WriteFile(record, append(body, '\n'), 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	script.Defer(server.Close)
	script.Setenv("ADMIN", server.Listener.Addr().String())
}
