package neighbours_test

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// sign is in everything of ada's that must not be read.
const sign = "BASIL"

// street is a hub with the servers of ada and mallory. Ada may visit mallory's, as
// if it had been shared with her; mallory may not visit ada's.
type street struct {
	*hubtest.Hub
	// kernel is one that runs on ada's server.
	kernel string
}

// Lines are added to the configuration of the hub.
func newStreet(t *testing.T, lines ...string) *street {
	t.Helper()
	s := &street{Hub: hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"},
		Hub:    "role neighbours {\n\t\t\tscopes access:servers!user=mallory\n\t\t\tusers ada\n\t\t}\n" + strings.Join(lines, "\n"),
	})}
	s.LogIn("ada")
	s.LogIn("mallory")
	mallory := s.API(s.Token("mallory"))
	ada := s.API(s.Token("ada"))
	s.furnish(t, "ada")
	s.furnish(t, "mallory")
	ada.StartServer("ada", "")
	mallory.StartServer("mallory", "")
	var kernel struct{ ID string }
	ada.Do(http.MethodPost, "/user/ada/api/kernels", map[string]string{"name": "python3"}).JSON(t, &kernel)
	var terminal struct{ Name string }
	ada.Do(http.MethodPost, "/user/ada/api/terminals", map[string]string{}).JSON(t, &terminal)
	if kernel.ID == "" || terminal.Name != "1" {
		t.Fatalf("kernel %q, terminal %q", kernel.ID, terminal.Name)
	}
	s.kernel = kernel.ID
	s.pages(t, "ada")
	s.pages(t, "mallory")
	return s
}

// furnish puts into a home what its user keeps there, and the extension of the
// server that serves the folder hostile.
func (s *street) furnish(t *testing.T, user string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.Home(user), ".jupyter"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.copy(t, user, "hostile.py", "hostile.py")
	if err := os.MkdirAll(filepath.Join(s.Home(user), ".jupyter", "labconfig"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, user, ".jupyter/labconfig/page_config.json", `{"appendToken": "true"}`)
	s.copy(t, user, "jupyter_server_config.py", ".jupyter/jupyter_server_config.py")
	if user != "ada" {
		return
	}
	s.write(t, user, "secret.txt", "the secret is "+sign)
	s.write(t, user, "secret.js", "self.secretOfAda = function () { return '"+sign+"'; };\nif (!self.document) postMessage('"+sign+"');\n")
	s.write(t, user, "secret.css", ".secret { background: url("+sign+"); }\n")
	for _, attacker := range []string{"ada", "mallory"} {
		for _, what := range []string{"patch", "delete", "urlencoded", "multipart", "text"} {
			s.write(t, user, what+"-"+attacker+".txt", "as it was")
		}
	}
	file, err := os.Create(filepath.Join(s.Home(user), "secret.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	picture.Set(0, 0, color.NRGBA{R: 1, G: 2, B: 3, A: 255})
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

// pages writes the folder hostile of a user.
func (s *street) pages(t *testing.T, user string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.Home(user), "hostile"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"page.html", "attacks.js", "worker.js"} {
		s.copy(t, user, name, filepath.Join("hostile", name))
	}
	s.write(t, user, "hostile/redirector", "")
}

func (s *street) copy(t *testing.T, user, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", from))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, user, to, strings.ReplaceAll(string(text), "KERNEL", s.kernel))
}

func (s *street) write(t *testing.T, user, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Home(user), name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// target is where a user's server listens, without the edge in between.
func (s *street) target(t *testing.T, user string) string {
	t.Helper()
	var routes map[string]struct{ Target string }
	s.API(s.Token("root")).Do(http.MethodGet, "/hub/api/proxy", nil).JSON(t, &routes)
	target := strings.TrimSuffix(routes["/user/"+user+"/"].Target, "/")
	if target == "" {
		t.Fatalf("no route to the server of %s: %+v", user, routes)
	}
	return target
}

// has tells whether there are files in ada's home that match a pattern.
func (s *street) has(t *testing.T, pattern string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Home("ada"), pattern))
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

// belongings are the terminals and kernels of ada's server, and the files in her
// home that another user's attack has made or that are gone.
func (s *street) belongings(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	ada := s.API(s.Token("ada"))
	for _, kind := range []string{"terminals", "kernels", "sessions"} {
		var list []struct{ ID, Name string }
		ada.Do(http.MethodGet, "/user/ada/api/"+kind, nil).JSON(t, &list)
		names, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		found[kind] = string(names)
	}
	err := filepath.WalkDir(s.Home("ada"), func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, s.Home("ada"))
		switch {
		case err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".ipynb_checkpoints" && entry.Name() != ".jupyter":
			return filepath.SkipDir
		case !entry.Type().IsRegular() || strings.Contains(name, "__pycache__"):
			return nil
		}
		text, err := os.ReadFile(path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
