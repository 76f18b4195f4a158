//go:build unix

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// prepareHome sets the account's home to the template's and makes it if asked to.
func (s *Spawner) prepareHome(request spawner.Request, owner *osprocess.Account) error {
	if s.options.Home != "" {
		home, err := s.home.Path(request.Names())
		if err != nil {
			return err
		}
		owner.Home = filepath.Clean(home)
		if s.options.CreateHome {
			if err := makeHome(owner.Home, *owner); err != nil {
				return &spawner.Error{Message: "The home directory cannot be made.", Err: err}
			}
		}
	}
	info, err := os.Stat(owner.Home)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: %w", owner.Home, syscall.ENOTDIR)
	}
	if err != nil {
		return &spawner.Error{Message: "The home directory does not exist.", Err: err}
	}
	return nil
}

// makeHome makes a missing directory and gives it to the account. One that
// exists is left as it is. The directory above may be the user's own, so the
// new one is opened without following links and looked at again before it is
// given away: it must be the one just made.
func makeHome(name string, owner osprocess.Account) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	err := os.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil || owner.Credential == nil {
		return err
	}
	directory, err := os.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer directory.Close()
	info, err := directory.Stat()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s was replaced while it was made: %w", name, fs.ErrPermission)
	}
	return directory.Chown(int(owner.UID), int(owner.GID))
}
