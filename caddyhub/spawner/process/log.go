//go:build unix

package process

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// maxLogName is the length at which names of users are cut in file names, which
// systems limit to 255 bytes.
const maxLogName = 200

// logPath is where a server's log is, "" if there is none. A comma stands in no
// escaped name, so different servers have different files.
func (s *Spawner) logPath(user, server string) string {
	if s.options.LogDir == "" {
		return ""
	}
	name := spawner.SafeName(user)
	if server != "" {
		name += "," + spawner.SafeName(server)
	}
	if len(name) > maxLogName {
		name = fmt.Sprintf("%s,,%x", name[:maxLogName-64], sha256.Sum256([]byte(name)))
	}
	return filepath.Join(s.options.LogDir, name+".log")
}

// openLog opens a new log and keeps the one before as NAME.1. Appending makes
// it safe to empty the file while the server writes. Nil without a log directory.
func (s *Spawner) openLog(user, server string) (*os.File, error) {
	name := s.logPath(user, server)
	if name == "" {
		return nil, nil
	}
	if err := os.MkdirAll(s.options.LogDir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Rename(name, name+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

// limitLog empties a log that has reached its limit, after its last part was
// kept as NAME.1. What goes wrong is logged: a log is no reason to fail.
func (s *Spawner) limitLog(server spawner.Ref) {
	name := s.logPath(server.User, server.Server)
	if name == "" {
		return
	}
	info, err := os.Lstat(name)
	if err != nil || info.Size() < s.options.LogLimit {
		return
	}
	if err := turnLog(name, s.options.LogLimit); err != nil {
		s.log.Warn("server log not limited", "user", server.User, "server", server.Server, "error", err)
	}
}

// turnLog copies up to limit bytes from a log's end to NAME.1 and empties it.
func turnLog(name string, limit int64) error {
	log, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return err
	}
	if err := os.Remove(name + ".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	before, err := os.OpenFile(name+".1", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	from := max(0, info.Size()-limit)
	_, err = io.Copy(before, io.NewSectionReader(log, from, info.Size()-from))
	return errors.Join(err, before.Close(), log.Truncate(0))
}
