//go:build unix

package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// runs adds a service that writes its environment to a file and stays.
func runs(file string, managed Managed) func(*Settings) {
	return func(s *Settings) {
		s.Configuration.Services = append(s.Configuration.Services, identity.ConfiguredService{Service: identity.Service{
			Name: "wiki", URL: "http://10.0.0.1:9000", Command: []string{"/bin/sh", "-c", "env > " + file + ".part; mv " + file + ".part " + file + "; exec sleep 300"},
		}})
		s.Managed = map[string]Managed{"wiki": managed}
	}
}

// environmentIn waits for what the service has written and takes it away.
func environmentIn(t *testing.T, file string) map[string]string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		data, err := os.ReadFile(file)
		if err == nil {
			found := make(map[string]string)
			for line := range strings.Lines(string(data)) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				found[name] = value
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			return found
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the service was not started")
		}
	}
}

// TestManagedService: the token that a service is started with is its own and
// the secret of its OAuth client; another start has another one; a configuration
// that changes nothing of it does not start it.
func TestManagedService(t *testing.T) {
	f := newFixture(t)
	file := filepath.Join(t.TempDir(), "environment")
	f.configure(settings(new(platform), runs(file, Managed{Environment: map[string]string{"MINE": "1"}})))
	first := environmentIn(t, file)
	if first["MINE"] != "1" || first["JUPYTERHUB_SERVICE_PREFIX"] != "/services/wiki/" || first["JUPYTERHUB_CLIENT_ID"] != "service-wiki" {
		t.Errorf("environment %v", first)
	}
	f.belongs(first["JUPYTERHUB_API_TOKEN"], true)

	f.configure(settings(new(platform), runs(file, Managed{Environment: map[string]string{"MINE": "1"}}), func(s *Settings) { s.DefaultURL = "/hub/home" }))
	f.configure(settings(new(platform), runs(file, Managed{Environment: map[string]string{"MINE": "2"}})))
	second := environmentIn(t, file)
	if second["MINE"] != "2" {
		t.Errorf("started with MINE=%s: it was started by a configuration that changes nothing of it", second["MINE"])
	}
	f.belongs(second["JUPYTERHUB_API_TOKEN"], true)
	f.belongs(first["JUPYTERHUB_API_TOKEN"], false)

	if _, err := f.Configure(t.Context(), settings(new(platform), runs(file, Managed{Environment: map[string]string{"A=B": ""}}))); err == nil {
		t.Error("a variable that cannot be was taken")
	}
	f.belongs(second["JUPYTERHUB_API_TOKEN"], true)
}

// belongs checks whether a token is that of the service wiki and of its client.
func (f *fixture) belongs(token string, want bool) {
	f.t.Helper()
	directory := f.opened.directory
	found, err := directory.ByToken(f.t.Context(), token)
	if (err == nil) != want || err == nil && found.Service.Name != "wiki" {
		f.t.Errorf("the token of the service: %v", err)
	}
	err = directory.Store().View(f.t.Context(), func(r store.Reader) error {
		client, err := identity.GetClient(r, "service-wiki")
		if err == nil && directory.VerifyClientSecret(client, token) != want {
			f.t.Errorf("secret of the client: not %v", want)
		}
		return err
	})
	if err != nil {
		f.t.Error(err)
	}
}
