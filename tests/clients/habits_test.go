package clients_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestHabitsWithTokens: the ways in which people who got a token by
// "jupyterhub token" use it, and those that JupyterHub has never accepted.
func TestHabitsWithTokens(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatalf("this test needs curl: %v", err)
		}
		t.Skipf("this test needs curl: %v", err)
	}
	hub := hubtest.Start(t, hubtest.Options{})
	hub.LogIn("ada")
	token := hub.Token("ada")
	call := func(arguments ...string) string {
		t.Helper()
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(strings.ReplaceAll(arguments[i], "TOKEN", token), "HUB", hub.URL+"/hub/api")
		}
		command := exec.CommandContext(t.Context(), curl, append([]string{"--silent", "--show-error", "--write-out", "\n%{http_code}"}, arguments...)...)
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("curl: %v\n%s", err, output)
		}
		return string(output)
	}
	for name, test := range map[string]struct {
		arguments []string
		want      string
	}{
		"token":              {[]string{"-H", "Authorization: token TOKEN", "HUB/user"}, "200"},
		"Token":              {[]string{"-H", "Authorization: Token TOKEN", "HUB/user"}, "200"},
		"bearer":             {[]string{"-H", "Authorization: bearer TOKEN", "HUB/user"}, "200"},
		"Bearer":             {[]string{"-H", "Authorization: Bearer TOKEN", "HUB/user"}, "200"},
		"oauth2-bearer":      {[]string{"--oauth2-bearer", "TOKEN", "HUB/user"}, "200"},
		"with JSON":          {[]string{"-H", "Authorization: token TOKEN", "-H", "Content-Type: application/json", "-d", "{\"note\": \"mine\"}", "HUB/users/ada/tokens"}, "201"},
		"JSON as curl sends": {[]string{"-H", "Authorization: token TOKEN", "-d", "{\"note\": \"mine\"}", "HUB/users/ada/tokens"}, "201"},
		"following":          {[]string{"-L", "-H", "Authorization: token TOKEN", "HUB/"}, "200"},
		"head":               {[]string{"-I", "-H", "Authorization: token TOKEN", "HUB/user"}, "405"},
		"in the address":     {[]string{"HUB/user?token=TOKEN"}, "403"},
		"without a word":     {[]string{"-H", "Authorization: TOKEN", "HUB/user"}, "403"},
		"basic":              {[]string{"-u", "ada:TOKEN", "HUB/user"}, "403"},
		"another header":     {[]string{"-H", "X-Auth-Token: TOKEN", "HUB/user"}, "403"},
		"a wrong one":        {[]string{"-H", "Authorization: token 0000TOKEN", "HUB/user"}, "403"},
		"nothing":            {[]string{"HUB/user"}, "403"},
		"somebody else":      {[]string{"-H", "Authorization: token TOKEN", "HUB/users/grace"}, "404"},
	} {
		got := call(test.arguments...)
		if !strings.HasSuffix(got, "\n"+test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if test.want == "403" && strings.Contains(got, token) {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	if got := python(t, "habits.py", "HUB_API="+hub.URL+"/hub/api", "TOKEN="+token); strings.TrimSpace(got) != "ada" {
		t.Errorf("the script says %q", got)
	}
	if log := hub.Log(); strings.Contains(log, token) {
		t.Error("the token stands in the log of the hub")
	}
}
