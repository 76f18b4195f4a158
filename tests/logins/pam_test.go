package logins_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// pamProgram is what pam_exec runs.
const pamProgram = `#!/bin/sh
[ "$PAM_TYPE" != account ] || { [ "$PAM_USER" != expired ]; exit; }
[ "$(tr -d '\000')" = "a canary of a password" ] && case $PAM_USER in ada | expired | root) ;; *) exit 1 ;; esac
`

const pamService = `auth [success=done default=die] pam_exec.so expose_authtok quiet DIR/program
account [success=ok default=die] pam_exec.so quiet DIR/program
`

// TestPAM logs in by the real libpam, with a binary that is built for it.
func TestPAM(t *testing.T) {
	if _, err := os.Stat("/usr/include/security/pam_appl.h"); err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatal("this test needs the header files of libpam")
		}
		t.Skip("this test needs the header files of libpam")
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "caddyhub")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "pam", "-o", program, "github.com/caddyhub/caddyhub/cmd/caddyhub")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building with PAM: %v\n%s", err, text)
	}
	for name, text := range map[string]string{"program": pamProgram, "hub": strings.ReplaceAll(pamService, "DIR", folder)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(binary.Variable, program)
	h := hubtest.Start(t, hubtest.Options{
		Authenticator: "authenticator pam {\n service hub\n config_dir " + folder + "\n}\n" +
			"authenticator pam admins {\n service hub\n config_dir " + folder + "\n admin_groups root\n request_otp\n}",
	})
	const password = "a canary of a password"
	if _, me := logIn(t, h, "pam", "Ada", password); me.Name != "ada" || me.Admin {
		t.Errorf("ada is %+v", me)
	}
	if _, me := logIn(t, h, "admins", "root", password, "otp", "123456"); me.Name != "root" || !me.Admin {
		t.Errorf("root is %+v", me)
	}
	for _, user := range []string{"expired", "nobody", "../ada", "-h"} {
		refused(t, h, "pam", user, password, http.StatusForbidden)
	}
	refused(t, h, "pam", "ada", "wrong", http.StatusForbidden)
	refused(t, h, "pam", "ada", "", http.StatusForbidden)
	// The system does not know ada, so it cannot say in which groups she is.
	refused(t, h, "admins", "ada", password, http.StatusServiceUnavailable)
	if log := h.Log(); strings.Contains(log, "canary") || !strings.Contains(log, "PAM refuses") {
		t.Error("a password is in the log, or nothing of why somebody was refused")
	}
}

// A program without PAM says how to make one that has it.
func TestWithoutPAM(t *testing.T) {
	path, remove, err := binary.Build()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	caddyfile := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(caddyfile, []byte("{\n caddyhub {\n authenticator pam\n spawner process\n }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), path, "validate", "--config", caddyfile).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "make build TAGS=pam") || !strings.Contains(string(output), "libpam0g-dev") {
		t.Errorf("%v: %s", err, output)
	}
}
