package hubseed

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/process"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// TestFilledStore opens a filled store as a hub does: everybody is there, tokens
// are good, and the process spawner finds the servers running.
func TestFilledStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	seed := Seed{
		Path: path, Users: []string{"ada", "bob", "eve"}, Tokens: []string{"token-of-ada", "token-of-bob"},
		Process: os.Getpid(), Port: 4711,
	}
	if err := seed.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Open(embedded.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	keys, err := keyring.Open(t.Context(), keyring.File{Path: path + ".keys", Now: time.Now}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	directory := identity.New(identity.Options{Store: s, Keys: keys})
	platform, err := process.New(process.Options{LogDir: t.TempDir(), AllowRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range seed.Users {
		var standard server.Server
		err := s.View(t.Context(), func(r store.Reader) (err error) {
			standard, err = server.Get(r, name, "")
			return err
		})
		hasToken := i < len(seed.Tokens)
		if err != nil || standard.Ready != hasToken {
			t.Errorf("%s: ready %v, %v", name, standard.Ready, err)
		}
		if !hasToken {
			continue
		}
		if found, err := directory.ByToken(t.Context(), seed.Tokens[i]); err != nil || found.Name() != name {
			t.Errorf("token of %s: %v, %v", name, found, err)
		}
		if status, err := platform.Poll(t.Context(), standard.Ref()); err != nil || !status.Running {
			t.Errorf("server of %s: %+v, %v", name, status, err)
		}
	}
}
