package house_test

import (
	"bytes"
	"go/ast"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is where a file has more than one subject.
const maxLines = 500

func TestFileSize(t *testing.T) {
	t.Parallel()
	written := []string{".go", ".js", ".css", ".html", ".py", ".sh"}
	for _, f := range source(t).files {
		if !slices.Contains(written, path.Ext(f.path)) || strings.Contains(f.path, "/testdata/") {
			continue
		}
		if lines := bytes.Count(f.content, []byte("\n")); lines > maxLines {
			t.Errorf("%s: %d lines, more than %d: it has two subjects, give each a file", f.path, lines, maxLines)
		}
	}
}

// TestTopLevel keeps the first page of the repository one that can be taken in
// at a glance. Folders that begin with a dot are for tools.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	folders := []string{"caddyhub", "modules", "caddyfiles", "cmd", "examples", "tests"}
	for _, f := range source(t).files {
		top, _, inFolder := strings.Cut(f.path, "/")
		if inFolder && !strings.HasPrefix(top, ".") && !slices.Contains(folders, top) {
			t.Errorf("%s: the top-level folders are %s, and no others", f.path, strings.Join(folders, ", "))
		}
	}
}

// TestNoMachine finds what only means something on the machine of whoever wrote
// it: folders of this one, and the package registries that it is set up to use.
// A registry is the choice of whoever builds.
func TestNoMachine(t *testing.T) {
	t.Parallel()
	folders, hosts := machineFolders(t), registries(t)
	for _, f := range source(t).files {
		for number, line := range bytes.Split(f.content, []byte("\n")) {
			if found := folders.Find(line); found != nil {
				t.Errorf("%s:%d: path of this machine: %s", f.path, number+1, bytes.TrimSpace(found))
			}
			for _, host := range hosts {
				if bytes.Contains(line, []byte(host)) {
					t.Errorf("%s:%d: names the package registry %s", f.path, number+1, host)
				}
			}
		}
	}
}

// machineFolders matches the checkout and what lies beside it, the home of who
// runs the test, and the module cache, where they begin a path.
func machineFolders(t *testing.T) *regexp.Regexp {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{checkout, goEnvironment(t, "GOMODCACHE")}
	if home, err := os.UserHomeDir(); err == nil && home != "/" && home != "/root" {
		folders = append(folders, home)
	}
	parent := filepath.Dir(checkout)
	beside, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	// What lies in these on one machine may lie there on any.
	if !slices.Contains([]string{"/", "/home", "/tmp", "/srv", "/opt", "/usr/src"}, parent) {
		for _, entry := range beside {
			folders = append(folders, filepath.Join(parent, entry.Name()))
		}
	}
	for i, folder := range folders {
		folders[i] = regexp.QuoteMeta(folder)
	}
	return regexp.MustCompile(`(^|[^\w/.$}~-])(` + strings.Join(folders, "|") + `)\b`)
}

// registries are the public ones and those of the environment, by host.
func registries(t *testing.T) []string {
	t.Helper()
	// In halves, so that this file does not name them.
	hosts := []string{"proxy.golang" + ".org", "registry.npmjs" + ".org", "pypi.org" + "/simple", "files.python" + "hosted.org"}
	settings := strings.FieldsFunc(goEnvironment(t, "GOPROXY"), func(r rune) bool { return r == ',' || r == '|' })
	for _, name := range []string{"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "NPM_CONFIG_REGISTRY", "npm_config_registry"} {
		settings = append(settings, strings.Fields(os.Getenv(name))...)
	}
	for _, setting := range settings {
		if u, err := url.Parse(setting); err == nil && u.Hostname() != "" && u.Hostname() != "pypi.org" {
			hosts = append(hosts, u.Hostname())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func goEnvironment(t *testing.T, name string) string {
	t.Helper()
	value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(value))
}

// TestPinned wants an exact version of everything that is installed: a fresh
// machine gives the same answer as the one before.
func TestPinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+$`)
	local := regexp.MustCompile(`(?m)^replace .*=> *\.|^\s.*=> *\.`)
	for _, f := range source(t).files {
		switch name := path.Base(f.path); {
		case strings.HasPrefix(name, "requirements") && strings.HasSuffix(name, ".txt"):
			for number, line := range strings.Split(strings.TrimSpace(string(f.content)), "\n") {
				if !pinned.MatchString(line) && !strings.HasPrefix(line, "#") {
					t.Errorf("%s:%d: not name==version: %q", f.path, number+1, line)
				}
			}
		case name == "go.mod" || name == "tools.mod":
			if found := local.Find(f.content); found != nil {
				t.Errorf("%s: replaces a module by a folder, which go install refuses: %s", f.path, bytes.TrimSpace(found))
			}
		}
	}
}

// realTime are tests that wait for something outside of this process, which
// tells nobody when it is done: they look again and again, up to a limit.
var realTime = map[string]string{
	"caddyhub/server/killed_test.go":      "plays a server that is slow to come up, in a process of its own",
	"caddyhub/store/redis/outage_test.go": "a real Redis is killed and started again under load",
}

// TestNoSleep keeps tests of the program from guessing how long something
// takes: in a bubble of testing/synctest a sleep is exact and costs nothing,
// outside it is slow on a fast machine and wrong on a slow one.
func TestNoSleep(t *testing.T) {
	t.Parallel()
	tree := source(t)
	for _, f := range tree.files {
		if !f.isGo() || !f.isTest() || !f.under("caddyhub") && !f.under("modules") {
			continue
		}
		if _, bubble := f.imports()["testing/synctest"]; bubble || realTime[f.path] != "" {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			if s, ok := node.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" && isName(s.X, "time") {
				t.Errorf("%s: time.Sleep outside of testing/synctest: wait for the thing itself", tree.at(s.Pos()))
			}
			return true
		})
	}
}

func isName(x ast.Expr, name string) bool {
	identifier, ok := x.(*ast.Ident)
	return ok && identifier.Name == name
}
