//go:build unix

package process

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

func TestOptions(t *testing.T) {
	if _, err := New(Options{}); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	for name, o := range map[string]Options{
		"every interface":     {IP: "0.0.0.0"},
		"no address":          {IP: "localhost"},
		"zone":                {IP: "fe80::1%eth0"},
		"half a range":        {FirstPort: 8000},
		"a range backwards":   {FirstPort: 9000, LastPort: 8000},
		"too great a port":    {FirstPort: 9000, LastPort: 65536},
		"a negative timeout":  {KillTimeout: -1},
		"a relative log":      {LogDir: "logs"},
		"a relative home":     {Home: "{username}"},
		"a home to create":    {CreateHome: true},
		"an empty program":    {Command: []string{""}},
		"an unknown field":    {Command: []string{"x", "{user}"}},
		"an unknown argument": {Args: []string{"{"}},
		"an unknown account":  {User: "{name}"},
		"an unknown place":    {Home: "/home/{name}"},
	} {
		if _, err := New(o); !errors.Is(err, spawner.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

// The server gets what is kept and what is asked for, and nothing else of the hub's.
func TestEnvironment(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "secret")
	t.Setenv("LANG", "xx")
	t.Setenv("VIRTUAL_ENV", "/venv")
	o := shell(t, `env; echo "end"`)
	r := request("ada", "")
	r.Environment = map[string]string{"LANG": "yy", "SHELL": "/bin/zsh", "JUPYTERHUB_SERVICE_URL": "http://elsewhere/", "MINE": "1"}
	_, known := begin(t, newSpawner(t, o), r)
	lines := strings.Split(logged(t, known, "\nend"), "\n")
	for _, want := range []string{"LANG=yy", "VIRTUAL_ENV=/venv", "SHELL=/bin/zsh", "MINE=1", "CADDYHUB_SPAWN_ID=" + r.SpawnID,
		spawner.ServiceURL("http", "127.0.0.1", known.Port, "/user/ada/")} {
		if !slices.ContainsFunc(lines, func(line string) bool { return line == want || line == "JUPYTERHUB_SERVICE_URL="+want }) {
			t.Errorf("%s is not in %q", want, lines)
		}
	}
	if strings.Contains(strings.Join(lines, "\n"), "secret") {
		t.Error("the hub's secret is in the server's environment")
	}
	t.Setenv("LD_LIBRARY_PATH", "/lib")
	o.EnvKeep = []string{}
	env, err := newSpawner(t, o).environment(r, osprocess.Account{}, 1)
	if _, kept := env["LD_LIBRARY_PATH"]; kept || err != nil || env["PATH"] != defaultPath {
		t.Errorf("keeping nothing: %v, %v", env, err)
	}
}

// Names reach the program as single harmless words.
func TestCommandTemplates(t *testing.T) {
	o := options(t)
	o.Command, o.Args = []string{"/bin/sh", "-c", "echo {username}"}, []string{"{username}", "--at={base_url}", "{servername}"}
	s := newSpawner(t, o)
	r := request("$(touch /x); -rf", "")
	r.Prefix = "/user/a&b/"
	got, program, err := s.commandLine(r, "")
	safe := "%24%28touch%20%2Fx%29%3B%20-rf"
	want := []string{"/bin/sh", "-c", "echo " + safe, safe, "--at=/user/a%26b/", ""}
	if err != nil || program != "/bin/sh" || !slices.Equal(got, want) {
		t.Errorf("got %q, %q, %v, want %q", got, program, err, want)
	}
}

func TestStartRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		options func(*Options)
		request func(*spawner.Request)
	}{
		"no spawn id":        {request: func(r *spawner.Request) { r.SpawnID = "" }},
		"a spawn id to harm": {request: func(r *spawner.Request) { r.SpawnID = "../../../../x" }},
		"no user":            {request: func(r *spawner.Request) { r.User = "" }},
		"NUL in a name":      {request: func(r *spawner.Request) { r.Server = "a\x00" }},
		"NUL in a variable":  {request: func(r *spawner.Request) { r.Environment = map[string]string{"A": "\x00"} }},
		"no variable":        {request: func(r *spawner.Request) { r.Environment = map[string]string{"LD_PRELOAD=x\nA": "1"} }},
		"no program":         {options: func(o *Options) { o.Command = []string{missing} }},
		"no home":            {options: func(o *Options) { o.Home = missing }},
		"no ports":           {options: func(o *Options) { o.IP = "192.0.2.1" }},
	} {
		o, r := options(t), request("ada", "")
		if test.options != nil {
			test.options(&o)
		}
		if test.request != nil {
			test.request(&r)
		}
		events := &keeper{}
		_, err := newSpawner(t, o).Start(t.Context(), r, events)
		var told *spawner.Error
		if !errors.Is(err, spawner.ErrInvalid) && !errors.As(err, &told) {
			t.Errorf("%s: %v, want ErrInvalid or words for the user", name, err)
		}
		if len(events.states) > 0 {
			t.Errorf("%s: state was kept of nothing", name)
		}
	}
}

// A Stop that is called off leaves a server that can be stopped again.
func TestStopCalledOff(t *testing.T) {
	s := newSpawner(t, shell(t, `trap "" INT TERM; echo ready; while :; do sleep 1; done`))
	ref, known := begin(t, s, request("ada", ""))
	logged(t, known, "ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx, ref, false); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v, want cancelled", err)
	}
	if !running(t, s, ref) {
		t.Error("the server has ended")
	}
	if err := s.Stop(t.Context(), ref, false); err != nil || running(t, s, ref) {
		t.Errorf("the second Stop: %v", err)
	}
}

func TestAccounts(t *testing.T) {
	o := options(t)
	o.User = "{username}"
	s := newSpawner(t, o)
	for _, name := range []string{"root", "daemon", "nobody\x00", "../root", "-x", "a:b", "no-such-account", "0", "1000"} {
		if owner, err := s.account(request(name, "")); err == nil {
			t.Errorf("%q runs as %+v", name, owner)
		}
	}
	if os.Geteuid() != 0 {
		if _, err := s.account(request("nobody", "")); err == nil {
			t.Error("a hub without rights starts servers of others")
		}
		return
	}
	o.AllowRoot, o.User = false, ""
	if owner, err := newSpawner(t, o).account(request("ada", "")); err == nil {
		t.Errorf("a hub that is root starts servers as %+v", owner)
	}
}

// As another account the server has that account's user, groups, home and
// nothing of root's.
func TestAnotherAccount(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if os.Geteuid() != 0 || err != nil {
		t.Skip("needs root and the account nobody")
	}
	homes := t.TempDir()
	for dir := homes; dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
			t.Skipf("%s is closed to other accounts", dir)
		}
	}
	o := shell(t, `id -u; id -G; pwd; echo $HOME $USER; touch mine && echo done`)
	o.User, o.Home, o.CreateHome = "{username}", homes+"/{username}", true
	_, known := begin(t, newSpawner(t, o), request("nobody", ""))
	home := homes + "/nobody"
	want := nobody.Uid + "\n" + nobody.Gid + "\n" + home + "\n" + home + " nobody\ndone\n"
	if got := logged(t, known, "done"); got != want {
		t.Errorf("the server says %q, want %q", got, want)
	}
	if info, err := os.Stat(home); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("home %v, %v", info, err)
	}
}
